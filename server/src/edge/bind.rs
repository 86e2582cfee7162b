use std::{io, net::SocketAddr, time::Duration};

use anyhow::anyhow;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket};

/// How many connections the kernel may queue until they are accepted.
const BACKLOG: u32 = 4096;

/// The most bytes that the kernel holds for one client before it has sent them.
///
/// This, and not the size of the send buffer, is what bounds a client that does not read: what was
/// sent is in the client's own receive buffer. A send buffer of a fixed size also bounds what is
/// in flight, which costs a client that does read most of its speed: with 32 KiB, 5 MB/s on loopback
/// instead of 2 GB/s, as each buffer waits for a delayed acknowledgement. `docs/performance.md` has
/// the figures. Without either, 500 clients that stop reading take 1.5 GB.
const MAX_UNSENT: u32 = 32 << 10;

/// The most bytes from one client that the kernel holds until they are read.
const RECEIVE_BUFFER: u32 = 64 << 10;

/// Listens on all `addresses`.
///
/// # Errors
/// Names the first address that cannot be listened on, the reason, and what to do.
pub fn bind_all(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    addresses.iter().map(|&address| bind_for(address, "--listen")).collect()
}

/// Listens on `address`, which is the value of `option`.
///
/// # Errors
/// Names the address, the reason, and what to do.
pub fn bind_for(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    bind(address).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "stop the program that listens there, or ",
            _ => "",
        };
        anyhow!("cannot listen on {address}: {error}: {remedy}choose another address with {option}")
    })
}

/// Listens on `address`, with the options of sockets that carry the stream.
///
/// # Errors
/// If the system does not allow it, as when another program listens there.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        // So that the same port can be bound for IPv4 too.
        SockRef::from(&socket).set_only_v6(true)?;
    }
    set_inherited_options(&socket)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Sets the options that connections inherit from their listener, which saves system calls for each
/// of them.
fn set_inherited_options(socket: &TcpSocket) -> io::Result<()> {
    // Each write is a batch already.
    socket.set_nodelay(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let socket = SockRef::from(socket);
    socket.set_tcp_notsent_lowat(MAX_UNSENT)?;
    // A peer that vanished is detected within about a minute: by keepalive probes if there is nothing
    // to send, and by unacknowledged data otherwise.
    socket.set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpStream};

    use super::*;

    /// A client, and the server's end of its connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    /// Writes until that would block, and returns the number of bytes written.
    async fn fill(server: &TcpStream) -> usize {
        let chunk = vec![b'x'; 64 << 10];
        server.writable().await.unwrap();
        std::iter::from_fn(|| server.try_write(&chunk).ok()).sum()
    }

    #[tokio::test]
    async fn connections_inherit_the_options_of_their_listener() {
        let (_client, server) = connection().await;
        assert!(server.nodelay().unwrap());
        let socket = SockRef::from(&server);
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), MAX_UNSENT);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(60)));
    }

    #[tokio::test]
    async fn bounds_what_the_kernel_holds_for_a_client_that_does_not_read() {
        let (client, server) = connection().await;
        let written = fill(&server).await;
        let received = SockRef::from(&client).recv_buffer_size().unwrap();
        // A segment on loopback has up to 64 KiB, and the kernel accepts one beyond the limit.
        let most = received + 4 * (64 << 10);
        assert!(
            written <= most,
            "{written} bytes were written, {received} of them fit into the client's receive buffer"
        );
    }

    #[tokio::test]
    async fn a_client_that_reads_may_have_more_in_flight_than_unsent() {
        let (mut client, server) = connection().await;
        let mut scratch = vec![0; 1 << 20];
        let mut most = 0;
        for _ in 0..200 {
            most = most.max(fill(&server).await);
            let length = client.read(&mut scratch).await.unwrap();
            assert!(length > 0);
        }
        let size = SockRef::from(&server).send_buffer_size().unwrap();
        assert!(size > 8 * (MAX_UNSENT as usize), "the send buffer stays at {size} bytes");
    }
}

use std::{io, net::SocketAddr, time::Duration};

use anyhow::anyhow;
use futures_util::FutureExt;
use rustix::io::Errno;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};

/// How many connections the system may hold for us until they are accepted.
const BACKLOG: u32 = 4096;

/// The most bytes that the system holds for one client before it has sent them.
///
/// This, and not the size of the send buffer, is what bounds a client that does not read: what was
/// sent is in the client's own receive buffer. A send buffer of a fixed size also bounds what is
/// under way, which costs one that does read most of its speed: with 32 KiB, 5 MB/s on loopback
/// instead of 2 GB/s, as each buffer waits for a delayed acknowledgement. `docs/performance.md` has
/// the figures. Without either, 500 clients that stop reading take 1.5 GB.
const UNSENT: u32 = 32 << 10;

/// What the system keeps of what one client sends, when it sends more than is taken.
const RECEIVE_BUFFER: u32 = 64 << 10;

/// How long to wait when the system has no descriptor for a connection; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection, and where it came from: once it has been reset, the system no longer knows.
pub type Accepted = (TcpStream, SocketAddr);

/// Listens on all `addresses`.
///
/// # Errors
/// Says on which it cannot, why, and what to do.
pub fn bind_all(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let sockets = addresses.iter().map(|&address| {
        bind(address).map_err(|error| {
            let remedy = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "end what listens there, or choose another with --listen"
                }
                _ => "choose another with --listen",
            };
            anyhow!("cannot listen on {address}: {error}: {remedy}")
        })
    });
    sockets.collect()
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        // So that the same port can be listened on for IPv4 too.
        SockRef::from(&socket).set_only_v6(true)?;
    }
    set_inherited(&socket)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Sets what every connection inherits from its listener, at no system call of its own.
fn set_inherited(socket: &TcpSocket) -> io::Result<()> {
    // What is written is a batch already.
    socket.set_nodelay(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let socket = SockRef::from(socket);
    socket.set_tcp_notsent_lowat(UNSENT)?;
    // A peer that vanished without a word is found after a minute: by the system's own questions if
    // there is nothing to send, and by what is not acknowledged otherwise.
    socket.set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)
}

/// The next connection of `socket`, however long that takes. When the system has no descriptor for
/// it, `make_room` is to close something, and to say whether it could.
pub async fn accept<F: Future<Output = bool>>(
    socket: &TcpListener,
    make_room: impl Fn() -> F,
) -> Accepted {
    let mut pause = FIRST_PAUSE;
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            // Only this one connection is lost, before it began.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if pause == FIRST_PAUSE {
                    tracing::warn!(%error, "cannot accept a connection now, trying again");
                }
                if !is_out_of_descriptors(&error) || !make_room().await {
                    sleep(pause).await;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// The next connection of `socket`, if one waits.
pub fn accept_waiting(socket: &TcpListener) -> Option<Accepted> {
    // An error comes again when it is waited for.
    socket.accept().now_or_never()?.ok()
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpStream};

    use super::*;

    /// A client, and the server's end of its connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, accept(&listener, || std::future::ready(false)).await.0)
    }

    /// Writes until nothing more goes in, and gives how much did.
    async fn fill(server: &TcpStream) -> usize {
        let chunk = vec![b'x'; 64 << 10];
        server.writable().await.unwrap();
        std::iter::from_fn(|| server.try_write(&chunk).ok()).sum()
    }

    #[tokio::test]
    async fn a_connection_has_what_its_listener_was_given() {
        let (_client, server) = connection().await;
        assert!(server.nodelay().unwrap());
        let socket = SockRef::from(&server);
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), UNSENT);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(60)));
    }

    #[tokio::test]
    async fn little_is_held_for_a_client_that_does_not_read() {
        let (client, server) = connection().await;
        let taken = fill(&server).await;
        let received = SockRef::from(&client).recv_buffer_size().unwrap();
        // A segment on loopback has up to 64 KiB, and one more than may wait is let in.
        let most = received + 4 * (64 << 10);
        assert!(
            taken <= most,
            "{taken} bytes went in, with {received} for the client's own buffer"
        );
    }

    #[tokio::test]
    async fn a_client_that_reads_may_have_more_under_way_than_waits_to_be_sent() {
        let (mut client, server) = connection().await;
        let mut scratch = vec![0; 1 << 20];
        let mut most = 0;
        for _ in 0..200 {
            most = most.max(fill(&server).await);
            let length = client.read(&mut scratch).await.unwrap();
            assert!(length > 0);
        }
        let size = SockRef::from(&server).send_buffer_size().unwrap();
        assert!(size > 8 * (UNSENT as usize), "the send buffer stays at {size} bytes");
    }
}

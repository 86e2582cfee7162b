use std::{io, net::SocketAddr, time::Duration};

use anyhow::anyhow;
use rustix::io::Errno;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::sleep,
};

/// How many connections the system may hold for us until they are accepted.
const BACKLOG: u32 = 4096;

/// What the system keeps of the stream for one client. Where it chooses by itself, 500 clients
/// that stop reading take 1.5 GB and slow down everybody else; with this, 100 MB.
const SEND_BUFFER: u32 = 32 << 10;

/// What the system keeps of what one client sends, when it sends more than is taken.
const RECEIVE_BUFFER: u32 = 64 << 10;

/// How long to wait when the system has no descriptor for a connection; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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
    // Connections inherit both, which they cannot get later without a race.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The next connection of `socket`, however long that takes. When the system has no descriptor for
/// it, `make_room` is to close something, and to say whether it could.
pub async fn accept<F: Future<Output = bool>>(
    socket: &TcpListener,
    make_room: impl Fn() -> F,
) -> TcpStream {
    let mut pause = FIRST_PAUSE;
    loop {
        match socket.accept().await {
            Ok((stream, _)) => return stream,
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

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

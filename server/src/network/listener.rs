use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::io::Errno;
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ClosingCode, ConnectionId, GameId, Notice, Origin, encode};

use super::{
    conversation::Limits,
    session::{Session, SessionContext, linger},
};
use crate::{
    broadcast::{Broadcast, Transport},
    game::Input,
    tasks::Tasks,
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

/// How many connections may be told at once that there is no place for them. The others are just
/// closed.
const REFUSALS: usize = 64;

/// Listens on `address`.
///
/// # Errors
/// If the system does not let it.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
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

/// Takes connections in: gives each a number, a place in the broadcast and a session.
#[derive(Clone, Debug)]
pub struct Listener {
    context: Arc<SessionContext>,
    broadcast: Broadcast,
    sessions: Tasks,
    last: Arc<AtomicU64>,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Listener {
    /// A listener for at most `most` clients at a time, whose sessions `sessions` keeps.
    pub fn new(
        game: GameId,
        mailbox: mpsc::Sender<Input>,
        limits: Limits,
        broadcast: Broadcast,
        most: usize,
        sessions: Tasks,
    ) -> Self {
        Self {
            context: Arc::new(SessionContext { game, mailbox, limits }),
            broadcast,
            sessions,
            last: Arc::default(),
            places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
        }
    }

    /// Accepts connections of `socket` until `stop`.
    pub async fn run(self, socket: TcpListener, stop: CancellationToken) {
        let accept = async {
            loop {
                let stream = self.accept(&socket).await;
                self.take_in(stream).await;
            }
        };
        stop.run_until_cancelled(accept).await;
    }

    async fn accept(&self, socket: &TcpListener) -> TcpStream {
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
                    if !is_out_of_descriptors(&error) || !self.broadcast.drop_half_closed().await {
                        sleep(pause).await;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn take_in(&self, stream: TcpStream) {
        let Some(place) = self.find_place().await else {
            self.refuse(stream);
            return;
        };
        let id = ConnectionId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        tracing::info!(connection = %id, peer = ?stream.peer_addr().ok(), "connected");
        if let Err(error) = configure(&stream) {
            tracing::debug!(connection = %id, %error, "a connection broke before it began");
            return;
        }
        let (input, output) = stream.into_split();
        let transport = Transport::Tcp { output, _place: place };
        let membership = self.broadcast.join(Origin::Connection(id), transport).await;
        let session = Session { id, input, membership, context: self.context.clone() };
        self.sessions.spawn("session", session.run());
    }

    /// A place for one more client, taken from somebody who only half is one if need be.
    async fn find_place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        if self.broadcast.drop_half_closed().await {
            return self.places.clone().try_acquire_owned().ok();
        }
        None
    }

    fn refuse(&self, stream: TcpStream) {
        let Ok(permit) = self.refusals.clone().try_acquire_owned() else {
            return;
        };
        self.sessions.spawn("refusal", async move {
            let mut line = Vec::new();
            let message =
                "the server has as many clients as it may have: try again later".to_owned();
            encode(&Notice::Closing { code: ClosingCode::ServerFull, message }, &mut line);
            let (input, output) = stream.into_split();
            // It is the first that is written, so it goes in unless the peer has gone.
            let _ = timeout(FIRST_PAUSE, output.writable()).await;
            let _ = output.try_write(&line);
            drop(output);
            linger(&input).await;
            drop(permit);
        });
    }
}

fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    // What is written is a batch already.
    stream.set_nodelay(true)?;
    // A peer that vanished without a word is found after a minute: by the system's own questions if
    // there is nothing to send, and by what is not acknowledged otherwise.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(30))
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(Duration::from_secs(60)))?;
    socket.set_tcp_keepalive(&keepalive)
}

use std::{io, time::Duration};

use bytes::Bytes;
use thiserror::Error;
use tokio::{
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::{Instant, error::Elapsed, sleep, timeout, timeout_at},
};
use tribune_protocol::{Connection, Move, Notice, Request, ServerLine, UnreadableLine};

use crate::{
    backoff::Backoff,
    follower::{FollowError, Follower, Reaction},
};

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// A server ticks. When nothing has come for this long and for three ticks, it has gone.
const SILENCE: Duration = Duration::from_secs(15);

/// How many lines may wait to be shown. When there are more, nothing is read, and it is the server
/// that keeps them.
pub const LINES: usize = 1024;

/// What there is to show.
#[derive(Clone, Debug)]
pub enum Update {
    /// A line of the server.
    Line {
        /// Its bytes, without its end.
        raw: Bytes,
        /// What it says.
        line: ServerLine,
    },
    /// The connection is lost, and there is a pause before the next attempt.
    Lost {
        /// Why.
        reason: String,
        /// How long.
        pause: Duration,
    },
    /// The events after the last that was shown follow.
    Resumed,
    /// So many events before the next were missed.
    Missed(u64),
    /// There is no connection, so this was not sent.
    NotSent(Move),
}

/// Why a stream ended before its game.
#[derive(Debug, Error)]
pub enum StreamError {
    /// There is no server.
    #[error("no server at {server}: {reason}")]
    NoServer {
        /// Where.
        server: String,
        /// What the system says.
        reason: io::Error,
    },
    /// The connection is lost.
    #[error("the connection to the server is lost: {0}")]
    Lost(#[from] io::Error),
    /// The server does not want to be followed, or does not know how.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The server sent something else than its lines.
    #[error(transparent)]
    Unreadable(#[from] UnreadableLine),
}

impl StreamError {
    /// Whether there is no Tribune server in that place, or somebody else.
    pub fn is_no_server(&self) -> bool {
        matches!(
            self,
            Self::NoServer { .. } | Self::Unreadable(_) | Self::Follow(FollowError::NoGreeting)
        )
    }

    fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::NoServer { .. } | Self::Lost(_) | Self::Unreadable(_) => true,
            Self::Follow(error) => error.is_worth_a_retry(),
        }
    }
}

/// A connection to a server.
pub type ServerConnection = Connection<OwnedReadHalf, OwnedWriteHalf>;

/// Connects to the server at `server`, an address or a host and a port, within `limit`.
///
/// # Errors
/// If there is none.
pub async fn connect(server: &str, limit: Duration) -> Result<ServerConnection, StreamError> {
    let no_server = |reason| StreamError::NoServer { server: server.to_owned(), reason };
    let connecting = timeout(limit, TcpStream::connect(server)).await;
    let stream =
        connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(no_server)?;
    stream.set_nodelay(true)?;
    let (input, output) = stream.into_split();
    Ok(Connection::new(input, output))
}

/// The stream of a game, followed to its end across as many connections as it takes.
#[derive(Debug)]
pub struct Stream {
    server: String,
    retry: bool,
    follower: Follower,
    /// Whether there was ever something to come back to.
    was_following: bool,
    backoff: Backoff,
    silence: Duration,
    updates: mpsc::Sender<Update>,
    moves: mpsc::Receiver<Move>,
}

impl Stream {
    /// The stream of the server at `server`. What it says goes to `updates`, and `moves` go to the
    /// server. If `retry`, a connection that was there once and is lost is replaced.
    pub fn new(
        server: String,
        retry: bool,
        updates: mpsc::Sender<Update>,
        moves: mpsc::Receiver<Move>,
    ) -> Self {
        Self {
            server,
            retry,
            follower: Follower::default(),
            was_following: false,
            backoff: Backoff::default(),
            silence: SILENCE,
            updates,
            moves,
        }
    }

    /// Follows the game to its end, or until nobody listens any more.
    ///
    /// # Errors
    /// If there is no server at first, or the connection is lost and is not to be replaced.
    pub async fn run(mut self) -> Result<(), StreamError> {
        let mut connection = connect(&self.server, CONNECT).await?;
        loop {
            let Err(error) = self.follow(&mut connection).await else {
                return Ok(());
            };
            if !self.retry || !self.was_following || !error.is_worth_a_retry() {
                return Err(error);
            }
            let Some(again) = self.reconnect(error).await else {
                return Ok(());
            };
            connection = again;
        }
    }

    /// Passes on what comes through `connection` to the end of the game.
    async fn follow(&mut self, connection: &mut ServerConnection) -> Result<(), StreamError> {
        self.follower.connected();
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                line = timeout_at(heard + self.silence, connection.next_line()) => {
                    heard = Instant::now();
                    if self.take(line_of(line)?, connection).await? {
                        return Ok(());
                    }
                }
                // Before the state is there, nobody would see what comes of it.
                Some(step) = self.moves.recv(), if self.follower.is_following() => {
                    connection.send(&Request::Move(step)).await?;
                }
            }
        }
    }

    /// Does with a line what is to be done, and says whether it was the last.
    async fn take(
        &mut self,
        raw: Bytes,
        connection: &mut ServerConnection,
    ) -> Result<bool, StreamError> {
        let line = ServerLine::parse(&raw)?;
        if let ServerLine::Notice(Notice::Welcome(welcome)) = &line {
            self.silence = SILENCE.max(3 * Duration::from_millis(welcome.tick_ms));
        }
        let reaction = self.follower.react(&line)?;
        if self.follower.is_following() {
            self.backoff.reset();
            self.was_following = true;
        }
        let (update, is_last) = match reaction {
            Reaction::PassOver => return Ok(false),
            Reaction::Send(request) => {
                connection.send(&request).await?;
                return Ok(false);
            }
            Reaction::Resumed => (Update::Resumed, false),
            Reaction::Show => (Update::Line { raw, line }, false),
            Reaction::ShowLast { missed } => {
                if missed > 0 {
                    self.tell(Update::Missed(missed)).await;
                }
                (Update::Line { raw, line }, true)
            }
        };
        let nobody_listens = self.tell(update).await;
        Ok(is_last || nobody_listens)
    }

    /// Tries until there is a connection again; `None` if nobody listens any more.
    async fn reconnect(&mut self, error: StreamError) -> Option<ServerConnection> {
        let mut reason = error.to_string();
        loop {
            let pause = self.backoff.next_pause(&mut rand::rng());
            if self.tell(Update::Lost { reason, pause }).await {
                return None;
            }
            self.refuse_for(pause).await;
            match connect(&self.server, CONNECT).await {
                Ok(connection) => return Some(connection),
                Err(error) => reason = error.to_string(),
            }
        }
    }

    /// Waits for `pause`, and gives back what is to be sent meanwhile.
    async fn refuse_for(&mut self, pause: Duration) {
        let refuse = async {
            while let Some(step) = self.moves.recv().await {
                if self.updates.send(Update::NotSent(step)).await.is_err() {
                    break;
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = refuse => {}
            () = sleep(pause) => {}
        }
    }

    /// Passes on `update`, and says whether nobody listens any more.
    async fn tell(&self, update: Update) -> bool {
        self.updates.send(update).await.is_err()
    }
}

/// The line that was read, if there is one.
fn line_of(read: Result<io::Result<Option<Bytes>>, Elapsed>) -> io::Result<Bytes> {
    match read {
        Ok(Ok(Some(line))) => Ok(line),
        Ok(Ok(None)) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it was closed")),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            Err(io::Error::new(io::ErrorKind::TimedOut, "the server has been silent for too long"))
        }
    }
}

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use thiserror::Error;
use tokio::{
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    time::{Instant, error::Elapsed, sleep, timeout, timeout_at},
};
use tribune_protocol::{
    ClosingCode, Connection, ControlMessage, Event, FirstLineError, Request, ServerLine,
    UnreadableLine, check_first_line, text::quote,
};

use crate::{
    backoff::Backoff,
    follower::{FollowError, Follower, Reaction},
    outbox::{Outbox, Outgoing},
    update::Update,
};

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// A server greets at once.
const GREETING: Duration = Duration::from_secs(5);

/// One that has not greeted by then is asked something.
const PROBE: Duration = Duration::from_secs(1);

/// A server ticks. When nothing has come for this long and for three ticks, it has gone.
const SILENCE: Duration = Duration::from_secs(15);

/// How many lines may wait to be shown. When there are more, nothing is read, and it is the server
/// that keeps them.
pub const LINES: usize = 1024;

/// How many bytes of lines may wait to be shown, besides one line that is longer.
const ROOM: u32 = 8 << 20;

/// What a line takes beside its bytes, about.
const LINE_COST: usize = 512;

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
    /// The first line was not the greeting of a server that this client understands.
    #[error(transparent)]
    Greeting(#[from] FirstLineError),
    /// Nothing came, or nothing that ended.
    #[error("{0}, so this may be no Tribune server")]
    NoGreeting(String),
    /// The game ended before all moves were made.
    #[error("the game ended before all moves were made")]
    CutShort,
    /// All moves were sent, and the connection was lost before the server had answered them.
    #[error("{reason}, and {count} moves had no answer: they may not have come to the server")]
    Unanswered {
        /// How many.
        count: u64,
        /// How it was lost.
        reason: Box<StreamError>,
    },
}

impl StreamError {
    /// Whether there is no Tribune server in that place, or somebody else.
    pub fn is_no_server(&self) -> bool {
        matches!(
            self,
            Self::NoServer { .. }
                | Self::Unreadable(_)
                | Self::Follow(FollowError::NoGreeting)
                | Self::Greeting(FirstLineError::Unexpected(_))
                | Self::NoGreeting(_)
        )
    }

    /// Whether there is one, and it has no place.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Follow(FollowError::Closing { code: ClosingCode::ServerFull, .. }))
    }

    fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::NoServer { .. }
            | Self::Lost(_)
            | Self::Unreadable(_)
            | Self::NoGreeting(_)
            | Self::Greeting(FirstLineError::Unexpected(_)) => true,
            Self::Follow(error) => error.is_worth_a_retry(),
            Self::Greeting(FirstLineError::Version(_))
            | Self::CutShort
            | Self::Unanswered { .. } => false,
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
    /// The end of the game, if it came before what was asked for.
    last: Option<(Event, Bytes)>,
    updates: mpsc::Sender<Update>,
    /// Room for what waits to be shown, in bytes.
    room: Arc<Semaphore>,
    outbox: Outbox,
}

impl Stream {
    /// The stream of the server at `server`. What it says goes to `updates`, and what is in `outbox`
    /// goes to the server. If `retry`, a connection that was there once and is lost is replaced.
    pub fn new(server: String, retry: bool, updates: mpsc::Sender<Update>, outbox: Outbox) -> Self {
        Self {
            server,
            retry,
            follower: Follower::default(),
            was_following: false,
            backoff: Backoff::default(),
            silence: SILENCE,
            last: None,
            updates,
            room: Arc::new(Semaphore::new(ROOM as usize)),
            outbox,
        }
    }

    /// Follows the game to its end, or until nobody listens any more, or there is nothing left to do.
    ///
    /// # Errors
    /// If there is no server at first, or the connection is lost and is not to be replaced.
    pub async fn run(mut self) -> Result<(), StreamError> {
        let mut connection = connect(&self.server, CONNECT).await?;
        loop {
            let Err(error) = self.follow(&mut connection).await else {
                return if self.outbox.is_cut_short() {
                    Err(StreamError::CutShort)
                } else {
                    Ok(())
                };
            };
            if let Some((event, raw)) = self.last.take() {
                self.end_short(event, raw).await;
                return Ok(());
            }
            let unanswered = self.outbox.lose();
            if unanswered > 0 && self.outbox.is_at_end() {
                return Err(StreamError::Unanswered { count: unanswered, reason: error.into() });
            }
            if !self.retry || !self.was_following || !error.is_worth_a_retry() {
                return Err(error);
            }
            if unanswered > 0 {
                self.tell(Update::Unanswered(unanswered)).await;
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
        self.greet(connection).await?;
        let mut heard = Instant::now();
        while !self.outbox.is_done() {
            tokio::select! {
                line = timeout_at(heard + self.silence, connection.next_line()) => {
                    heard = Instant::now();
                    if self.take(line_of(line)?, connection).await? {
                        return Ok(());
                    }
                }
                // Before the state is there, nobody would see what comes of it.
                out = self.outbox.next(), if self.follower.is_following() => match out {
                    Outgoing::Send(step) => connection.send(&Request::Move(step)).await?,
                    Outgoing::LeftOut(step) => {
                        if self.tell(Update::LeftOut(step)).await {
                            return Ok(());
                        }
                    }
                    Outgoing::Ended => {}
                }
            }
        }
        Ok(())
    }

    /// Waits for the first line of a new connection, and sees whether it is that of a server.
    async fn greet(&mut self, connection: &mut ServerConnection) -> Result<(), StreamError> {
        let start = Instant::now();
        let soon = timeout_at(start + PROBE, connection.next_line()).await;
        let read = if soon.is_err() {
            // A game server speaks first. Others wait for the client to speak: what they make of this
            // tells what they are.
            connection.send(&Request::Ping { id: 0.into() }).await?;
            timeout_at(start + GREETING, connection.next_line()).await
        } else {
            soon
        };
        let line = match read {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => {
                let closed = "the connection was closed without a greeting";
                return Err(StreamError::NoGreeting(closed.to_owned()));
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(StreamError::NoGreeting(no_greeting(connection.unfinished()))),
        };
        check_first_line(&line)?;
        self.take(line, connection).await?;
        Ok(())
    }

    /// Does with a line what is to be done, and says whether it was the last.
    async fn take(
        &mut self,
        raw: Bytes,
        connection: &mut ServerConnection,
    ) -> Result<bool, StreamError> {
        let line = ServerLine::parse(&raw)?;
        if let ServerLine::Control(ControlMessage::Pong { .. }) = &line {
            // Nobody asked but `greet`.
            return Ok(false);
        }
        if let ServerLine::Control(ControlMessage::Welcome(welcome)) = &line {
            self.silence = SILENCE.max(Duration::from_millis(welcome.tick_ms).saturating_mul(3));
            self.outbox.greeted(welcome);
        }
        self.outbox.hear(&line);
        let reaction = self.follower.react(&line)?;
        if self.follower.is_following() {
            self.backoff.reset();
            self.was_following = true;
        }
        let is_last = matches!(reaction, Reaction::ShowLast);
        let nobody_listens = match (reaction, line) {
            (Reaction::PassOver, _) => return Ok(false),
            (Reaction::Send(request), _) => {
                connection.send(&request).await?;
                return Ok(false);
            }
            (Reaction::KeepLast, ServerLine::Event(event)) => {
                self.last = Some((event, raw));
                return Ok(false);
            }
            (Reaction::Resumed, _) => self.tell(Update::Resumed).await,
            (Reaction::Show | Reaction::ShowLast | Reaction::KeepLast, line) => {
                self.tell_line(raw, line).await
            }
        };
        Ok(is_last || nobody_listens)
    }

    /// Tells that the game has ended with `event`, and what of it is missing: it was over before
    /// that could be asked for.
    async fn end_short(&mut self, event: Event, raw: Bytes) {
        let missed = self.follower.missing_before(event.seq);
        if missed > 0 {
            self.tell(Update::Missed(missed)).await;
        }
        self.tell_line(raw, ServerLine::Event(event)).await;
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

    /// Waits for `pause`, and gives back the keys that are pressed meanwhile.
    async fn refuse_for(&mut self, pause: Duration) {
        let (outbox, updates) = (&mut self.outbox, &self.updates);
        let refuse = async {
            loop {
                let step = outbox.next_in_vain().await;
                // Whether anybody listens is asked again after the pause.
                let _ = updates.send(Update::NotSent(step)).await;
            }
        };
        tokio::select! {
            () = refuse => {}
            () = sleep(pause) => {}
        }
    }

    /// Passes on a line when there is room for it, and says whether nobody listens any more.
    async fn tell_line(&self, raw: Bytes, line: ServerLine) -> bool {
        let cost = u32::try_from(raw.len() + LINE_COST).unwrap_or(ROOM).min(ROOM);
        let room = self.room.clone().acquire_many_owned(cost).await.expect("it is never closed");
        self.tell(Update::Line { raw, line, room: Some(room) }).await
    }

    /// Passes on `update`, and says whether nobody listens any more.
    async fn tell(&self, update: Update) -> bool {
        self.updates.send(update).await.is_err()
    }
}

/// What is wrong when no greeting has come, but `sent`, which has no end.
fn no_greeting(sent: &[u8]) -> String {
    let limit = humantime::format_duration(GREETING);
    if sent.is_empty() {
        return format!("no greeting came within {limit}");
    }
    let sent = quote(&sent[..sent.len().min(80)]);
    format!("no greeting came within {limit}, only {sent}")
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

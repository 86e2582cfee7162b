//! Following a game over its connections.

mod stream_error;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc},
    time::{Instant, error::Elapsed, sleep, timeout, timeout_at},
};
use tribune_protocol::{
    Connection, ControlMessage, Event, Request, ServerLine, check_first_line, text::quote,
};

use crate::{
    backoff::Backoff,
    outbox::{Outbox, Outgoing},
    stream_tracker::{Action, StreamTracker},
    update::Update,
};
pub use stream_error::StreamError;

/// The timeout for connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for the first line, which a server sends at once.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(5);

/// After this time without a first line, the client sends a request, to find out what the server is.
const PROBE_AFTER: Duration = Duration::from_secs(1);

/// The connection is dead after this time and three ticks without a line. A server sends every tick, except
/// while its game is paused: after half of the time the client sends a request, which a server replies to.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// How many lines may wait to be shown. Then nothing more is read until some are, and the server keeps
/// the rest.
pub const LINES: usize = 1024;

/// How many bytes of lines may wait to be shown; a single line may be longer.
const BUFFER_SIZE: u32 = 8 << 20;

/// Roughly what a line takes in memory besides its bytes.
const LINE_OVERHEAD: usize = 512;

/// A connection to a server.
pub type ServerConnection = Connection<OwnedReadHalf, OwnedWriteHalf>;

/// Connects to `server`, `HOST:PORT`, within `limit`.
///
/// # Errors
/// If the connection fails.
pub async fn connect(server: &str, limit: Duration) -> Result<ServerConnection, StreamError> {
    let no_server = |reason| StreamError::NoServer { server: server.to_owned(), reason };
    let connecting = timeout(limit, TcpStream::connect(server)).await;
    let stream =
        connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(no_server)?;
    stream.set_nodelay(true)?;
    let (input, output) = stream.into_split();
    Ok(Connection::new(input, output))
}

/// Follows the stream of a game to its end, over as many connections as it takes.
#[derive(Debug)]
pub struct Stream {
    server: String,
    retry: bool,
    tracker: StreamTracker,
    /// Whether any connection has received the state.
    was_following: bool,
    backoff: Backoff,
    idle_timeout: Duration,
    /// The end of the game, if it arrived before the events requested.
    deferred: Option<(Event, Bytes)>,
    updates: mpsc::Sender<Update>,
    /// The free space for lines that wait to be shown, in bytes.
    buffer: Arc<Semaphore>,
    outbox: Outbox,
}

impl Stream {
    /// A stream from `server` to `updates`, and of the actions in `outbox` to the server. If `retry`, it
    /// reconnects when a connection that has received the state is lost.
    pub fn new(server: String, retry: bool, updates: mpsc::Sender<Update>, outbox: Outbox) -> Self {
        Self {
            server,
            retry,
            tracker: StreamTracker::default(),
            was_following: false,
            backoff: Backoff::default(),
            idle_timeout: IDLE_TIMEOUT,
            deferred: None,
            updates,
            buffer: Arc::new(Semaphore::new(BUFFER_SIZE as usize)),
            outbox,
        }
    }

    /// Follows the game to its end, or until the receiver of updates is dropped or the outbox is done.
    ///
    /// # Errors
    /// If the first connection fails, or the connection is lost and not replaced.
    pub async fn run(mut self) -> Result<(), StreamError> {
        let mut connection = connect(&self.server, CONNECT_TIMEOUT).await?;
        loop {
            let Err(error) = self.follow(&mut connection).await else {
                return if self.outbox.is_cut_short() {
                    Err(StreamError::CutShort)
                } else {
                    Ok(())
                };
            };
            if let Some((event, raw)) = self.deferred.take() {
                self.show_deferred(event, raw).await;
                return Ok(());
            }
            let unanswered = self.outbox.disconnected();
            if unanswered > 0 && self.outbox.is_at_end() {
                return Err(StreamError::Unanswered { count: unanswered, reason: error.into() });
            }
            if !self.retry || !self.was_following || !error.is_worth_a_retry() {
                return Err(error);
            }
            if unanswered > 0 {
                self.emit(Update::Unanswered(unanswered)).await;
            }
            let Some(again) = self.reconnect(error).await else {
                return Ok(());
            };
            connection = again;
        }
    }

    /// Follows the game on `connection` to its end.
    async fn follow(&mut self, connection: &mut ServerConnection) -> Result<(), StreamError> {
        self.tracker.connected();
        self.receive_welcome(connection).await?;
        let (mut last_line_at, mut has_asked) = (Instant::now(), false);
        while !self.outbox.is_done() {
            let patience = if has_asked { self.idle_timeout } else { self.idle_timeout / 2 };
            tokio::select! {
                line = timeout_at(last_line_at + patience, connection.next_line()) => {
                    if line.is_err() && !has_asked {
                        connection.send(&Request::Ping { id: 0.into() }).await?;
                        has_asked = true;
                        continue;
                    }
                    (last_line_at, has_asked) = (Instant::now(), false);
                    if self.handle_line(line_of(line)?, connection).await? {
                        return Ok(());
                    }
                }
                // Before the state has arrived, the effect of an action could not be shown.
                out = self.outbox.next(), if self.tracker.is_following() => match out {
                    Outgoing::Send(action) => connection.send(&Request::Act(action)).await?,
                    Outgoing::Dropped(action) => {
                        if self.emit(Update::Dropped(action)).await {
                            return Ok(());
                        }
                    }
                    Outgoing::Ended => {}
                }
            }
        }
        Ok(())
    }

    /// Waits for the first line of a new connection, and checks it.
    async fn receive_welcome(
        &mut self,
        connection: &mut ServerConnection,
    ) -> Result<(), StreamError> {
        let start = Instant::now();
        let soon = timeout_at(start + PROBE_AFTER, connection.next_line()).await;
        let read = if soon.is_err() {
            // Other servers wait for a request first: their reply to this one shows what they are.
            connection.send(&Request::Ping { id: 0.into() }).await?;
            timeout_at(start + WELCOME_TIMEOUT, connection.next_line()).await
        } else {
            soon
        };
        let line = match read {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => {
                let closed = "the connection was closed without a welcome";
                return Err(StreamError::NoWelcome(closed.to_owned()));
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(StreamError::NoWelcome(no_welcome(connection.unfinished()))),
        };
        check_first_line(&line)?;
        self.handle_line(line, connection).await?;
        Ok(())
    }

    /// Handles a line. Returns whether it was the last one.
    async fn handle_line(
        &mut self,
        raw: Bytes,
        connection: &mut ServerConnection,
    ) -> Result<bool, StreamError> {
        let line = ServerLine::parse(&raw)?;
        if let ServerLine::Control(ControlMessage::Pong { .. }) = &line {
            // The reply to a request that asks whether the server still replies.
            return Ok(false);
        }
        if let ServerLine::Control(ControlMessage::Welcome(welcome)) = &line {
            self.idle_timeout =
                IDLE_TIMEOUT.max(Duration::from_millis(welcome.tick_ms).saturating_mul(3));
            self.outbox.handle_welcome(welcome);
        }
        self.outbox.handle_line(&line);
        let action = self.tracker.handle_line(&line)?;
        self.was_following |= self.tracker.is_following();
        let is_last = matches!(action, Action::ShowLast);
        let is_closed = match (action, line) {
            (Action::Skip, _) => return Ok(false),
            (Action::Send(request), _) => {
                connection.send(&request).await?;
                return Ok(false);
            }
            (Action::Defer, ServerLine::Event(event)) => {
                self.deferred = Some((event, raw));
                return Ok(false);
            }
            (Action::Resumed, _) => self.emit(Update::Resumed).await,
            (Action::ShowContradiction(contradiction), ServerLine::Event(event)) => {
                self.emit(Update::Contradiction { seq: event.seq, contradiction }).await
                    || self.emit_line(raw, ServerLine::Event(event)).await
            }
            (
                Action::Show | Action::ShowContradiction(_) | Action::ShowLast | Action::Defer,
                line,
            ) => {
                if let ServerLine::Event(_) = line {
                    // A state is no progress: a faulty server may send an invalid line after each.
                    self.backoff.reset();
                }
                self.emit_line(raw, line).await
            }
        };
        Ok(is_last || is_closed)
    }

    /// Shows that the game has ended with `event`, and how many events before it are missing: it was over
    /// before they could be requested.
    async fn show_deferred(&mut self, event: Event, raw: Bytes) {
        let missed = self.tracker.missing_before(event.seq);
        if missed > 0 {
            self.emit(Update::Missed(missed)).await;
        }
        self.emit_line(raw, ServerLine::Event(event)).await;
    }

    /// Reconnects, however many attempts it takes; `None` if the receiver of updates was dropped.
    async fn reconnect(&mut self, error: StreamError) -> Option<ServerConnection> {
        let mut reason = error.to_string();
        loop {
            let pause = self.backoff.next_pause(&mut rand::rng());
            if self.emit(Update::Lost { reason, pause }).await {
                return None;
            }
            self.wait_and_return_keys(pause).await;
            match connect(&self.server, CONNECT_TIMEOUT).await {
                Ok(connection) => return Some(connection),
                Err(error) => reason = error.to_string(),
            }
        }
    }

    /// Waits for `pause`. Key presses meanwhile are shown as not sent.
    async fn wait_and_return_keys(&mut self, pause: Duration) {
        let (outbox, updates) = (&mut self.outbox, &self.updates);
        let return_keys = async {
            loop {
                let action = outbox.next_key_press().await;
                // Whether the receiver was dropped is checked after the pause.
                let _ = updates.send(Update::NotConnected(action)).await;
            }
        };
        tokio::select! {
            () = return_keys => {}
            () = sleep(pause) => {}
        }
    }

    /// Emits a line when the buffer has space for it. Returns whether the receiver was dropped.
    async fn emit_line(&self, raw: Bytes, line: ServerLine) -> bool {
        let cost = u32::try_from(raw.len() + LINE_OVERHEAD).unwrap_or(BUFFER_SIZE).min(BUFFER_SIZE);
        let room = self.buffer.clone().acquire_many_owned(cost).await.expect("it is never closed");
        self.emit(Update::Line { raw, line, room: Some(room) }).await
    }

    /// Emits `update`. Returns whether the receiver was dropped.
    async fn emit(&self, update: Update) -> bool {
        self.updates.send(update).await.is_err()
    }
}

/// The error if there was no first line, but only `sent`, which has no end.
fn no_welcome(sent: &[u8]) -> String {
    let limit = humantime::format_duration(WELCOME_TIMEOUT);
    if sent.is_empty() {
        return format!("no welcome within {limit}");
    }
    let sent = quote(&sent[..sent.len().min(80)]);
    format!("no welcome within {limit}, only {sent}")
}

/// The line that was read.
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

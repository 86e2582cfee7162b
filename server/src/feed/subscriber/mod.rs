mod flush;

use std::{
    io,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;
use tribune_protocol::{ClosingCode, ControlMessage, Seq, encode};

pub use self::flush::{FlushContext, FlushOutcome};
use super::{
    half_closed::HalfClosed,
    outbound_queue::{OutboundQueue, QueueItem},
    outgoing::{Closing, Outgoing},
    snapshot::Snapshot,
};
use crate::log::Cursor;

/// A client that was disconnected and comes back sends `resume` within this time after it joined.
const RESUME_WINDOW: Duration = Duration::from_millis(500);

/// A recipient of the stream: a cursor in the log, and a transport.
///
/// Its memory does not depend on how much is published. The cursor always stands between two lines:
/// the rest of a line that was written in part is copied to the queue and goes first.
#[derive(Debug)]
pub struct Subscriber<T> {
    transport: T,
    cursor: Cursor,
    /// The snapshot it needs before it gets events.
    needed: Option<Needed>,
    /// What goes before the next event. Most subscribers have nothing there, most of the time.
    queue: Option<Box<OutboundQueue>>,
    /// Since when its transport takes nothing.
    blocked: Option<Instant>,
    joined: Instant,
    half_closed: Option<HalfClosed>,
}

/// The longest queue to which lines are added that the subscriber may miss. A subscriber may be blocked
/// for a moment even if its peer reads: tokio reports a new transport as blocked at first.
const MAX_OFFERED: usize = 64;

/// The need for a snapshot.
#[derive(Debug)]
struct Needed {
    /// The snapshot is to include this event.
    at_least: Seq,
    /// Whether the subscriber is new, and gets `welcome` before it. One that is not gets `resync`.
    is_new: bool,
}

impl<T: Outgoing> Subscriber<T> {
    /// A new subscriber: it gets `welcome`, and a snapshot that includes the event `at_least`.
    pub fn new(transport: T, at_least: Seq) -> Self {
        Self {
            transport,
            // Set by the snapshot.
            cursor: Cursor::new(Seq(0)),
            needed: Some(Needed { at_least, is_new: true }),
            queue: None,
            blocked: None,
            joined: Instant::now(),
            half_closed: None,
        }
    }

    /// Appends `item` to what goes before the next event.
    pub fn enqueue(&mut self, item: QueueItem) {
        self.queue.get_or_insert_default().push_back(item);
    }

    /// The same for `lines`, unless so much is waiting already that its peer does not seem to read.
    pub fn offer(&mut self, lines: Bytes) {
        if self.queue.as_ref().is_none_or(|queue| queue.len() < MAX_OFFERED) {
            self.enqueue(QueueItem::lines(lines));
        }
    }

    /// Notes that its peer sends nothing any more, as `counted`.
    pub fn half_close(&mut self, counted: HalfClosed) {
        self.half_closed = Some(counted);
    }

    /// Whether its peer sends nothing any more.
    pub fn is_half_closed(&self) -> bool {
        self.half_closed.is_some()
    }

    /// Since when its transport takes nothing.
    pub fn blocked_since(&self) -> Option<Instant> {
        self.blocked
    }

    /// Whether it is too late at `now` for its peer to resume the stream of an earlier connection.
    pub fn will_not_resume(&self, now: Instant) -> bool {
        self.half_closed.is_some() || now.saturating_duration_since(self.joined) >= RESUME_WINDOW
    }

    /// The snapshot of which a part is still to be written.
    pub fn held_snapshot(&self) -> Option<&Snapshot> {
        self.queue.as_ref()?.iter().find_map(|item| match item {
            QueueItem::Snapshot { snapshot, .. } => Some(&**snapshot),
            _ => None,
        })
    }

    /// Its transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Ready, and no longer blocked, as soon as its transport may take more. Otherwise it wakes the
    /// task when that is so.
    pub fn poll_unblock(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.transport.poll_ready(cx));
        self.blocked = None;
        Poll::Ready(())
    }

    /// Closes the transport at once, with the reason as the last line. A subscriber in the middle of
    /// a large snapshot does not get the reason.
    pub fn abort(mut self, code: ClosingCode, message: &str) -> Option<Closing> {
        let mut last = match self.queue.take().and_then(|mut queue| queue.pop_front()) {
            // It may be the rest of a line, which must end for another to begin.
            Some(QueueItem::Lines { bytes, .. }) => first_line(&bytes).to_vec(),
            Some(QueueItem::Snapshot { snapshot, written }) if written > 0 => {
                snapshot.line[written..].to_vec()
            }
            _ => Vec::new(),
        };
        encode(&ControlMessage::Closing { code, message: message.to_owned() }, &mut last);
        self.transport.abort(&last)
    }

    /// Closes the transport after what was written.
    pub fn finish(self) -> Option<Closing> {
        self.transport.finish()
    }

    /// The bytes in its queue.
    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        let bytes = |item: &QueueItem| match item {
            QueueItem::Lines { bytes, .. } => bytes.len(),
            QueueItem::Snapshot { snapshot, .. } => snapshot.line.len(),
            QueueItem::Resume(_) | QueueItem::Close => 0,
        };
        self.queue.as_ref().map_or(0, |queue| queue.iter().map(bytes).sum())
    }

    fn enqueue_first(&mut self, item: QueueItem) {
        self.queue.get_or_insert_default().push_front(item);
    }

    /// Writes as much of `bytes` as the transport takes now, which may be nothing, and notes if it
    /// does not take all.
    fn write(&mut self, bytes: &[u8], now: Instant) -> io::Result<usize> {
        let written = match self.transport.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            written => written?,
        };
        if written < bytes.len() {
            self.blocked = Some(now);
        }
        Ok(written)
    }
}

/// `lines` up to the first line end.
fn first_line(lines: &[u8]) -> &[u8] {
    lines.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default()
}

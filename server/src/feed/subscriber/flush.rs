use std::{io, sync::Arc};

use bytes::{Buf, Bytes};
use tokio::time::Instant;
use tribune_protocol::{ControlMessage, Origin, Seq, encode};

use super::{Needed, Subscriber};
use crate::{
    feed::{WelcomeTemplate, outbound_queue::QueueItem, outgoing::Outgoing, snapshot::Snapshot},
    log::{Cursor, View},
};

/// Up to so many bytes are copied to go in one write with the line before them: a write costs as much
/// as copying a hundred times that.
const MAX_COPY: usize = 4 << 10;

/// The most bytes of events that one flush writes. Otherwise a subscriber that takes the past would
/// be written the whole log while the others of its shard wait.
const MAX_FLUSH: usize = 512 << 10;

/// A snapshot is used for later joiners while the bytes of events since then are less than this part
/// of it, so that a large state is neither encoded nor held for each of them.
const REUSE_FRACTION: usize = 4;

/// What a flush works with.
#[derive(Clone, Copy, Debug)]
pub struct FlushContext<'a> {
    /// The log.
    pub view: &'a View,
    /// Whether the feed has ended: then `snapshot` is the last.
    pub has_ended: bool,
    /// The latest snapshot.
    pub snapshot: &'a Arc<Snapshot>,
    /// What new subscribers are welcomed with.
    pub welcome: &'a WelcomeTemplate,
    /// The current time.
    pub now: Instant,
}

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushOutcome {
    /// The subscriber has everything.
    CaughtUp,
    /// Its transport takes nothing for now.
    Blocked,
    /// It has got as much as one flush may write, and takes more.
    HasMore,
    /// It needs a newer snapshot than the latest.
    NeedsSnapshot,
    /// It has received everything that it will receive.
    Finished,
}

impl<T: Outgoing> Subscriber<T> {
    /// Writes what is due to the subscriber `you`, up to the head of the log, as far as its transport
    /// takes it.
    ///
    /// # Errors
    /// If the transport is broken.
    pub fn flush(&mut self, you: Origin, context: FlushContext<'_>) -> io::Result<FlushOutcome> {
        let outcome = self.write_due(you, context)?;
        // What a polled transport has accepted has to be sent before anything else happens.
        if outcome != FlushOutcome::Blocked && !self.transport.try_flush()? {
            self.blocked = Some(context.now);
            return Ok(FlushOutcome::Blocked);
        }
        Ok(outcome)
    }

    fn write_due(&mut self, you: Origin, context: FlushContext<'_>) -> io::Result<FlushOutcome> {
        let FlushContext { view, now, .. } = context;
        let is_new = self.needed.as_ref().is_some_and(|needed| needed.is_new);
        if is_new && !self.enqueue_snapshot(you, context) {
            return Ok(FlushOutcome::NeedsSnapshot);
        }
        loop {
            if let Some(outcome) = self.write_queue(view, now)? {
                return Ok(outcome);
            }
            if self.needed.is_none() && self.cursor.missed(view) > 0 {
                self.need_snapshot(view);
            }
            if self.needed.is_none() {
                return self.write_events(view, now);
            }
            if !self.enqueue_snapshot(you, context) {
                return Ok(FlushOutcome::NeedsSnapshot);
            }
        }
    }

    fn need_snapshot(&mut self, view: &View) {
        self.needed = Some(Needed { at_least: view.head(), is_new: false });
    }

    /// Puts the latest snapshot and the line before it into the queue, and returns `true`, if it is
    /// the one that is needed and the log still holds the events after it.
    fn enqueue_snapshot(&mut self, you: Origin, context: FlushContext<'_>) -> bool {
        let FlushContext { view, has_ended, snapshot, welcome, .. } = context;
        let fits = |needed: &mut Needed| {
            let follows = snapshot.seq.next();
            let is_new_enough = has_ended || snapshot.seq >= needed.at_least;
            follows >= view.oldest()
                && (is_new_enough
                    || view.bytes_from(follows) <= snapshot.line.len() / REUSE_FRACTION)
        };
        let Some(needed) = self.needed.take_if(fits) else {
            return false;
        };
        let seq = snapshot.seq;
        let mut lines = encoded(&if needed.is_new {
            ControlMessage::Welcome(welcome.fill(you, seq, view.oldest()))
        } else {
            // The event before the cursor is the last one it got.
            ControlMessage::Resync { missed: seq.next().since(self.cursor.next()), seq }
        });
        if snapshot.line.len() <= MAX_COPY {
            lines.extend_from_slice(&snapshot.line);
        } else {
            self.enqueue_first(QueueItem::Snapshot { snapshot: snapshot.clone(), written: 0 });
        }
        self.enqueue_first(QueueItem::lines(lines.into()));
        self.cursor = Cursor::new(seq.next());
        true
    }

    /// Writes the queue. If it cannot write all of it, or the queue ends the stream, that is how the
    /// flush ends.
    fn write_queue(&mut self, view: &View, now: Instant) -> io::Result<Option<FlushOutcome>> {
        while let Some(item) = self.queue.as_mut().and_then(|queue| queue.pop_front()) {
            let rest = match item {
                QueueItem::Lines { mut bytes, written } => {
                    bytes.advance(self.write(&bytes, now)?);
                    (!bytes.is_empty()).then_some(QueueItem::Lines { bytes, written })
                }
                QueueItem::Snapshot { snapshot, mut written } => {
                    written += self.write(&snapshot.line[written..], now)?;
                    (written < snapshot.line.len())
                        .then_some(QueueItem::Snapshot { snapshot, written })
                }
                QueueItem::Resume(after) => {
                    self.resume(after, view);
                    None
                }
                QueueItem::Close => {
                    // A polled transport may have to send something before: then this comes again.
                    self.enqueue_first(QueueItem::Close);
                    return Ok(Some(FlushOutcome::Finished));
                }
            };
            if let Some(rest) = rest {
                self.enqueue_first(rest);
                return Ok(Some(FlushOutcome::Blocked));
            }
        }
        self.queue = None;
        Ok(None)
    }

    /// Continues after the event `after`, or with a snapshot if the log does not hold what follows.
    fn resume(&mut self, after: Seq, view: &View) {
        self.cursor = Cursor::new(after.next());
        if self.cursor.missed(view) > 0 || after > view.head() {
            self.need_snapshot(view);
            return;
        }
        self.needed = None;
        let mut lines = encoded(&ControlMessage::Resumed { after });
        lines.extend_from_slice(self.cursor.take_lines(view, MAX_COPY));
        self.enqueue_first(QueueItem::lines(lines.into()));
    }

    fn write_events(&mut self, view: &View, now: Instant) -> io::Result<FlushOutcome> {
        let mut limit = MAX_FLUSH;
        loop {
            let lines = self.cursor.due(view, limit);
            if lines.is_empty() {
                return Ok(FlushOutcome::CaughtUp);
            }
            let written = self.write(lines, now)?;
            let rest = self.cursor.advance(view, written);
            if !rest.is_empty() {
                self.enqueue_first(QueueItem::lines(Bytes::copy_from_slice(rest)));
            }
            if written < lines.len() {
                return Ok(FlushOutcome::Blocked);
            }
            limit -= written;
            if limit == 0 {
                return Ok(FlushOutcome::HasMore);
            }
        }
    }
}

fn encoded(message: &ControlMessage) -> Vec<u8> {
    let mut line = Vec::new();
    encode(message, &mut line);
    line
}

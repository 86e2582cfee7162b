use std::{
    io,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::time::Instant;
use tribune_protocol::{ClosingCode, ControlMessage, Origin, Seq, encode};

use super::{
    Greeting,
    half_closed::HalfClosed,
    outbound_queue::{Frame, OutboundQueue},
    outgoing::{Closing, Outgoing},
    snapshot::Snapshot,
};
use crate::log::View;

/// One that was cut off and comes back says so within this time.
const RESUME_WINDOW: Duration = Duration::from_millis(500);

/// Up to so many bytes are copied to go in one write with what comes before them: a write costs as
/// much as copying a hundred times that.
const COPIED: usize = 4 << 10;

/// A reader is written so many bytes of events at a time, and then the others get their turn: one that
/// takes the past would otherwise be written the whole log while they wait.
const SHARE: usize = 512 << 10;

/// A snapshot serves those who come later for as long as the events since are this part of it, so
/// that a large state is neither encoded nor held for each of them.
const REUSED_WITHIN: usize = 4;

/// Somebody who gets the stream: a cursor into the log, and a sink.
///
/// Its memory does not depend on how much is told. The cursor always stands between two lines:
/// of a line that did not go in whole, the rest is kept aside and goes first.
#[derive(Debug)]
pub struct Subscriber<T> {
    transport: T,
    /// The event it is to get next.
    next: Seq,
    /// What it waits for, if not for events.
    wanted: Option<Wanted>,
    /// What goes before the next event. Most readers have nothing there, most of the time.
    lane: Option<Box<OutboundQueue>>,
    /// Since when nothing goes in.
    blocked: Option<Instant>,
    joined: Instant,
    half_closed: Option<HalfClosed>,
}

/// A state of the game that a reader is to get.
#[derive(Debug)]
struct Wanted {
    /// It is to include this event.
    at_least: Seq,
    /// Whether the reader is new, and is greeted before. One that is not is told that it missed
    /// something.
    is_new: bool,
}

/// What there is to see on a visit.
#[derive(Clone, Copy, Debug)]
pub struct FlushContext<'a> {
    /// The log.
    pub view: &'a View,
    /// The latest state.
    pub snapshot: &'a Arc<Snapshot>,
    /// How a reader that is new is greeted.
    pub greeting: &'a Greeting,
    /// When it is.
    pub now: Instant,
}

/// Where a visit to a reader ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlushOutcome {
    /// It has everything.
    CaughtUp,
    /// Nothing more goes in for now.
    Blocked,
    /// It has had its share, and takes more.
    More,
    /// It waits for a snapshot newer than the one there is.
    WantsSnapshot,
    /// It is not to get anything any more.
    Gone,
}

impl<T: Outgoing> Subscriber<T> {
    /// A reader that is new: it gets `welcome`, and a state that includes the event `at_least`.
    pub fn new(transport: T, at_least: Seq) -> Self {
        let wanted = Some(Wanted { at_least, is_new: true });
        Self {
            transport,
            next: Seq(0),
            wanted,
            lane: None,
            blocked: None,
            joined: Instant::now(),
            half_closed: None,
        }
    }

    /// Appends `item` to what goes before the next event.
    pub fn push(&mut self, item: Frame) {
        self.lane.get_or_insert_default().push_back(item);
    }

    /// Notes that it will not say anything any more, and is counted as such.
    pub fn half_close(&mut self, counted: HalfClosed) {
        self.half_closed = Some(counted);
    }

    /// Whether it will not say anything any more.
    pub fn is_half_closed(&self) -> bool {
        self.half_closed.is_some()
    }

    /// Since when nothing goes in.
    pub fn blocked_since(&self) -> Option<Instant> {
        self.blocked
    }

    /// Whether it is too late at `now` for it to say that it was there before and wants to go on.
    pub fn will_not_resume(&self, now: Instant) -> bool {
        self.half_closed.is_some() || now.saturating_duration_since(self.joined) >= RESUME_WINDOW
    }

    /// The snapshot of which a part is still to be written.
    pub fn pinned(&self) -> Option<&Snapshot> {
        self.lane.as_ref()?.iter().find_map(|item| match item {
            Frame::Snapshot { snapshot, .. } => Some(&**snapshot),
            _ => None,
        })
    }

    /// Where its bytes go.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Ready as soon as it may take more, from when on it counts as not blocked. Otherwise it wakes
    /// the task when that is so.
    pub fn poll_unblock(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.transport.poll_ready(cx));
        self.blocked = None;
        Poll::Ready(())
    }

    /// Writes to the reader that is called `you` what goes in, up to the newest event in sight.
    ///
    /// # Errors
    /// If the sink has ended.
    pub fn visit(&mut self, you: Origin, sight: FlushContext<'_>) -> io::Result<FlushOutcome> {
        let outcome = self.write_due(you, sight)?;
        // What a polled transport has accepted and not sent yet comes before anything else.
        if outcome != FlushOutcome::Blocked && !self.transport.try_flush()? {
            self.blocked = Some(sight.now);
            return Ok(FlushOutcome::Blocked);
        }
        Ok(outcome)
    }

    fn write_due(&mut self, you: Origin, sight: FlushContext<'_>) -> io::Result<FlushOutcome> {
        let FlushContext { view, now, .. } = sight;
        if self.is_new() && !self.take_snapshot(you, sight) {
            return Ok(FlushOutcome::WantsSnapshot);
        }
        loop {
            if let Some(visit) = self.flush_lane(view, now)? {
                return Ok(visit);
            }
            if self.wanted.is_none() && self.next < view.oldest() {
                self.wanted = Some(Wanted { at_least: view.head(), is_new: false });
            }
            if self.wanted.is_none() {
                return self.write_events(view, now);
            }
            if !self.take_snapshot(you, sight) {
                return Ok(FlushOutcome::WantsSnapshot);
            }
        }
    }

    /// Says goodbye for good, and ends the sink. Only one who is stuck in the middle of a state of
    /// many players does not get to hear it.
    pub fn close(mut self, code: ClosingCode, message: &str) -> Option<Closing> {
        let mut last = match self.lane.take().and_then(|mut lane| lane.pop_front()) {
            // It may be the rest of a line, which must end for another to begin.
            Some(Frame::Lines { bytes, .. }) => first_line(&bytes).to_vec(),
            Some(Frame::Snapshot { snapshot, written }) if written > 0 => {
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

    /// How many bytes it keeps aside.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        let bytes = |item: &Frame| match item {
            Frame::Lines { bytes, .. } => bytes.len(),
            Frame::Snapshot { snapshot, .. } => snapshot.line.len(),
            Frame::Resume(_) | Frame::Close => 0,
        };
        self.lane.as_ref().map_or(0, |lane| lane.iter().map(bytes).sum())
    }

    fn push_front(&mut self, item: Frame) {
        self.lane.get_or_insert_default().push_front(item);
    }

    fn is_new(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.is_new)
    }

    /// Puts the lines that tell the snapshot into the lane, if it is what is wanted and the log
    /// still holds the events after it.
    fn take_snapshot(&mut self, you: Origin, sight: FlushContext<'_>) -> bool {
        let FlushContext { view, snapshot, greeting, .. } = sight;
        let fits = |wanted: &mut Wanted| {
            let follows = snapshot.seq.next();
            let is_new_enough = snapshot.is_last || snapshot.seq >= wanted.at_least;
            follows >= view.oldest()
                && (is_new_enough
                    || view.bytes_from(follows) <= snapshot.line.len() / REUSED_WITHIN)
        };
        let Some(wanted) = self.wanted.take_if(fits) else {
            return false;
        };
        let seq = snapshot.seq;
        let notice = if wanted.is_new {
            ControlMessage::Welcome(greeting.welcome(you, seq, view.oldest()))
        } else {
            // One before the cursor is the last event it got.
            ControlMessage::Resync { missed: seq.next().since(self.next), seq }
        };
        let lane = self.lane.get_or_insert_default();
        let mut lines = line(&notice);
        if snapshot.line.len() <= COPIED {
            lines.extend_from_slice(&snapshot.line);
        } else {
            lane.push_front(Frame::Snapshot { snapshot: snapshot.clone(), written: 0 });
        }
        lane.push_front(Frame::lines(lines.into()));
        self.next = seq.next();
        true
    }

    /// Writes what is in the lane. If it does not all go in, that is where the visit ends.
    fn flush_lane(&mut self, view: &View, now: Instant) -> io::Result<Option<FlushOutcome>> {
        while let Some(item) = self.lane.as_mut().and_then(|lane| lane.pop_front()) {
            match item {
                Frame::Lines { bytes, written } => {
                    if let Some(bytes) = self.write_lines(bytes, now)? {
                        self.push_front(Frame::Lines { bytes, written });
                        return Ok(Some(FlushOutcome::Blocked));
                    }
                }
                Frame::Snapshot { snapshot, written } => {
                    let written = written + write(&mut self.transport, &snapshot.line[written..])?;
                    if written < snapshot.line.len() {
                        self.blocked = Some(now);
                        let rest = Frame::Snapshot { snapshot, written };
                        self.push_front(rest);
                        return Ok(Some(FlushOutcome::Blocked));
                    }
                }
                Frame::Resume(after) => self.resume(after, view),
                Frame::Close => {
                    // Again next time, should the transport have to be polled before.
                    self.push_front(Frame::Close);
                    return Ok(Some(FlushOutcome::Gone));
                }
            }
        }
        self.lane = None;
        Ok(None)
    }

    /// Goes to the event after `after`, or wants a state if the log does not hold that.
    fn resume(&mut self, after: Seq, view: &View) {
        self.next = after.next();
        if self.next >= view.oldest() && after <= view.head() {
            self.wanted = None;
            let mut lines = line(&ControlMessage::Resumed { after });
            let events = view.lines_from(self.next);
            let events = &events[..events.len().min(COPIED)];
            let (rest, next) = view.after(self.next, events.len());
            lines.extend_from_slice(events);
            lines.extend_from_slice(rest);
            self.next = next;
            self.push_front(Frame::lines(lines.into()));
        } else {
            self.wanted = Some(Wanted { at_least: view.head(), is_new: false });
        }
    }

    fn write_events(&mut self, view: &View, now: Instant) -> io::Result<FlushOutcome> {
        let mut share = SHARE;
        loop {
            let lines = view.lines_from(self.next);
            let lines = &lines[..lines.len().min(share)];
            if lines.is_empty() {
                return Ok(FlushOutcome::CaughtUp);
            }
            let written = write(&mut self.transport, lines)?;
            let (rest, next) = view.after(self.next, written);
            self.next = next;
            if !rest.is_empty() {
                let rest = Bytes::copy_from_slice(rest);
                self.push_front(Frame::lines(rest));
            }
            if written < lines.len() {
                self.blocked = Some(now);
                return Ok(FlushOutcome::Blocked);
            }
            share -= written;
            if share == 0 {
                return Ok(FlushOutcome::More);
            }
        }
    }

    /// Writes `lines`, and gives back what did not go in.
    fn write_lines(&mut self, mut lines: Bytes, now: Instant) -> io::Result<Option<Bytes>> {
        lines.advance(write(&mut self.transport, &lines)?);
        if lines.is_empty() {
            return Ok(None);
        }
        self.blocked = Some(now);
        Ok(Some(lines))
    }
}

/// How much of `bytes` `transport` takes now, which may be nothing.
fn write(transport: &mut impl Outgoing, bytes: &[u8]) -> io::Result<usize> {
    match transport.try_write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

fn line(notice: &ControlMessage) -> Vec<u8> {
    let mut line = Vec::new();
    encode(notice, &mut line);
    line
}

/// `lines` up to the first line end.
fn first_line(lines: &[u8]) -> &[u8] {
    lines.split_inclusive(|&byte| byte == b'\n').next().unwrap_or_default()
}

//! The log: the most recent events, encoded once, within a fixed number of bytes.
//!
//! One task [appends](Log::append) batches. Any number of [`View`]s read, each at its own pace; the
//! place of a subscriber is a [`Cursor`], the number of the event it is to get next. Nothing here
//! waits or wakes: that is left to the owners of the two ends.
//!
//! The bytes are in segments. Only the newest is written to, under a mutex that is held for as
//! long as it takes to copy a batch; the others never change again and are shared. A view takes the
//! mutex only to copy what is new, so no interleaving lets it see a torn line: this is why no model
//! checker is needed here.

mod batch;
mod cursor;
mod segment;
mod view;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use thiserror::Error;
use tribune_protocol::Seq;

use self::segment::Segment;
pub use self::{
    batch::{Batch, LineError},
    cursor::Cursor,
    view::View,
};

/// The smallest size, in bytes, that a log may be given.
pub const MIN_LOG_BYTES: usize = 4 << 10;

/// The greatest number that the first event of a log may have. The numbers after it last for
/// centuries even at a billion events per second, so no log gets to the end of them.
pub const MAX_FIRST: Seq = Seq(u64::MAX / 2);

/// A segment is at most this large: large enough that few batches cross from one to the next, and
/// small enough that what each view copies of the newest stays in a processor's cache.
const MAX_SEGMENT: usize = 256 << 10;

/// A log cannot begin with this event, because its number is above [`MAX_FIRST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a log cannot begin with event {0}: the greatest number allowed there is {MAX_FIRST}")]
pub struct FirstEventError(pub Seq);

/// The events of a stream, as far back as a number of bytes reaches.
#[derive(Debug)]
pub struct Log {
    segments: Mutex<Segments>,
    /// The last event appended, so that a view need not take the mutex to learn that it has it.
    head: AtomicU64,
}

#[derive(Debug)]
struct Segments {
    /// The oldest first. Each begins where the one before ends.
    full: VecDeque<Arc<Segment>>,
    /// The one that is being filled.
    open: Segment,
    /// How many bytes `full` and `open` have.
    size: usize,
    max_size: usize,
    segment_size: usize,
}

impl Log {
    /// An empty log that begins with event 1 and holds at most `bytes`, and always the newest
    /// event.
    pub fn new(bytes: usize) -> Self {
        Self::empty(Seq(1), bytes)
    }

    /// An empty log that begins with the event `first`, which is at least 1, and holds at most
    /// `bytes`, and always the newest event.
    ///
    /// # Errors
    /// If `first` is above [`MAX_FIRST`].
    pub fn starting_at(first: Seq, bytes: usize) -> Result<Self, FirstEventError> {
        if first > MAX_FIRST {
            return Err(FirstEventError(first));
        }
        // There is no event 0, and one before the first is the head.
        Ok(Self::empty(first.max(Seq(1)), bytes))
    }

    fn empty(first: Seq, bytes: usize) -> Self {
        let segment_size = (bytes / 8).min(MAX_SEGMENT);
        let open = Segment::new(first, segment_size);
        let segments =
            Segments { full: VecDeque::new(), open, size: 0, max_size: bytes, segment_size };
        Self { segments: Mutex::new(segments), head: AtomicU64::new(first.0 - 1) }
    }

    /// Appends the events of `batch`, and drops the oldest segments that exceed the size.
    pub fn append(&self, batch: &Batch) {
        let mut segments = self.lock();
        for line in batch.lines() {
            segments.push(line);
        }
        segments.drop_oldest();
        self.head.store(segments.open.next().0 - 1, Ordering::Release);
    }

    /// The last event appended; the one before the first if there is none.
    pub fn head(&self) -> Seq {
        Seq(self.head.load(Ordering::Acquire))
    }

    fn lock(&self) -> MutexGuard<'_, Segments> {
        self.segments.lock().expect("no code panics while it holds this lock")
    }
}

impl Segments {
    fn push(&mut self, line: &[u8]) {
        if !self.open.has_room(line.len()) {
            let next = Segment::new(self.open.next(), self.segment_size);
            self.full.push_back(Arc::new(std::mem::replace(&mut self.open, next)));
        }
        self.open.push(line);
        self.size += line.len();
    }

    fn drop_oldest(&mut self) {
        while self.size > self.max_size
            && let Some(oldest) = self.full.pop_front()
        {
            self.size -= oldest.size();
        }
    }

    /// The oldest event held; the one to come if there is none.
    fn oldest(&self) -> Seq {
        self.full.front().map_or(self.open.first(), |segment| segment.first())
    }
}

#[cfg(test)]
mod tests;

//! The log of the game: every event, encoded once, held for a fixed number of bytes.
//!
//! One task [appends](Log::append) batches. Any number of [`View`]s read, each at its own pace, and
//! a reader is nothing but the number of the event it is to get next. Nothing here waits or wakes:
//! that is for whoever owns the two ends.
//!
//! The bytes are in segments. Only the newest is written to, under a mutex that is held for as
//! long as it takes to copy a batch; the others never change again and are shared. A reader takes
//! the mutex only to copy what is new, so there is no order of events in which it could see a torn
//! line: this is why no model checker is needed here.

mod batch;
mod segment;
mod view;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use tribune_protocol::Seq;

use self::segment::Segment;
pub use self::{batch::Batch, view::View};

/// The fewest bytes that a log can be asked to hold.
pub const SMALLEST_LOG: usize = 4 << 10;

/// A segment is at most this large: large enough that few batches cross from one to the next, and
/// small enough that what each view copies of the newest stays in a processor's cache.
const LARGEST_SEGMENT: usize = 256 << 10;

/// The events of a game, as far back as a number of bytes reaches.
#[derive(Debug)]
pub struct Log {
    kept: Mutex<Kept>,
    /// The last event appended, so that a view need not take the mutex to learn that it has it.
    head: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    /// The oldest first. Each begins where the one before ends.
    full: VecDeque<Arc<Segment>>,
    /// The one that is being filled.
    open: Segment,
    /// How many bytes `full` and `open` have.
    size: usize,
    most: usize,
    segment_size: usize,
}

impl Log {
    /// An empty log that holds at most `bytes`, and always the newest event.
    pub fn new(bytes: usize) -> Self {
        let segment_size = (bytes / 8).min(LARGEST_SEGMENT);
        let open = Segment::new(Seq(1), segment_size);
        let kept = Kept { full: VecDeque::new(), open, size: 0, most: bytes, segment_size };
        Self { kept: Mutex::new(kept), head: AtomicU64::new(0) }
    }

    /// Appends the events of `batch`, and drops the oldest that are more than it may hold.
    pub fn append(&self, batch: &Batch) {
        let mut kept = self.lock();
        for line in batch.lines() {
            kept.push(line);
        }
        kept.drop_oldest();
        self.head.store(kept.open.next().0 - 1, Ordering::Release);
    }

    /// The last event appended; 0 when there is none.
    pub fn head(&self) -> Seq {
        Seq(self.head.load(Ordering::Acquire))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nothing that holds the mutex can panic")
    }
}

impl Kept {
    fn push(&mut self, line: &[u8]) {
        if !self.open.has_room(line.len()) {
            let next = Segment::new(self.open.next(), self.segment_size);
            self.full.push_back(Arc::new(std::mem::replace(&mut self.open, next)));
        }
        self.open.push(line);
        self.size += line.len();
    }

    fn drop_oldest(&mut self) {
        while self.size > self.most
            && let Some(oldest) = self.full.pop_front()
        {
            self.size -= oldest.size();
        }
    }
}

#[cfg(test)]
mod tests;

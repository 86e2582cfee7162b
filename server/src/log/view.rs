use std::{collections::VecDeque, sync::Arc};

use tribune_protocol::Seq;

use super::{Log, segment::Segment};

/// What one task can read of a [`Log`]: everything it held at the last [`refresh`](Self::refresh).
///
/// Full segments are shared with the log, and the one that is being filled is copied as it grows, a
/// few hundred bytes at a time. So reading takes no lock, and a batch is one slice, however many
/// events it holds.
#[derive(Debug)]
pub struct View {
    log: Arc<Log>,
    /// The oldest first. Each begins where the one before ends.
    full: VecDeque<Arc<Segment>>,
    /// A copy of the segment that was being filled. It begins where the last full one ends.
    open: Segment,
}

impl View {
    /// A view of `log` as it is now.
    pub fn new(log: Arc<Log>) -> Self {
        let mut view = Self { log, full: VecDeque::new(), open: Segment::new(Seq(0), 0) };
        view.copy();
        view
    }

    /// Brings the view up to what the log holds now. Costs one atomic read if it is.
    pub fn refresh(&mut self) {
        if self.log.head() != self.head() {
            self.copy();
        }
    }

    /// The last event; the one before the first if there is none.
    pub fn head(&self) -> Seq {
        Seq(self.open.next().0 - 1)
    }

    /// The oldest event that can be read; the one to come if there is none.
    pub fn oldest(&self) -> Seq {
        self.full.front().map_or(self.open.first(), |segment| segment.first())
    }

    /// The lines of the event `from` and those after it, up to the end of its segment: empty if
    /// `from` is still to come.
    ///
    /// `from` is one that [can be read](Self::oldest), or the next to come.
    pub fn lines_from(&self, from: Seq) -> &[u8] {
        self.segment_of(from).lines_from(from)
    }

    /// What is left to write after `written` bytes of [`lines_from`](Self::lines_from) `from`: the
    /// rest of a line that was written in part, and the first event of which nothing was written.
    pub fn after(&self, from: Seq, written: usize) -> (&[u8], Seq) {
        self.segment_of(from).after(from, written)
    }

    /// How many bytes the lines of the event `from` and of all after it have. `from` is as in
    /// [`lines_from`](Self::lines_from).
    pub fn bytes_from(&self, from: Seq) -> usize {
        if from >= self.open.first() {
            return self.open.lines_from(from).len();
        }
        let index = self.full.partition_point(|segment| segment.next() <= from);
        let rest: usize = self.full.range(index + 1..).map(|segment| segment.size()).sum();
        self.full[index].lines_from(from).len() + rest + self.open.size()
    }

    fn segment_of(&self, event: Seq) -> &Segment {
        debug_assert!(self.oldest() <= event && event <= self.head().next());
        if event >= self.open.first() {
            return &self.open;
        }
        let index = self.full.partition_point(|segment| segment.next() <= event);
        self.full.get(index).map_or(&self.open, |segment| segment)
    }

    fn copy(&mut self) {
        let held = self.log.lock();
        if held.open.first() != self.open.first() {
            let known = self.full.back().map_or(Seq(0), |segment| segment.next());
            let new = held.full.partition_point(|segment| segment.first() < known);
            self.full.extend(held.full.range(new..).cloned());
            self.open = Segment::new(held.open.first(), held.segment_size);
        }
        self.open.catch_up(&held.open);
        let oldest = held.oldest();
        drop(held);
        while self.full.front().is_some_and(|segment| segment.first() < oldest) {
            self.full.pop_front();
        }
    }
}

use tribune_protocol::Seq;

use super::View;

/// The place of one subscriber in a log: the event it is to get next.
///
/// It always stands between two lines. It may point to an event that the log
/// [no longer holds](Self::missed); then it has to be moved before it is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    next: Seq,
}

impl Cursor {
    /// A cursor whose next event is `next`.
    pub fn new(next: Seq) -> Self {
        Self { next }
    }

    /// The next event.
    pub fn next(self) -> Seq {
        self.next
    }

    /// How many events before the oldest of `view` it has not passed: 0 if it can be read from.
    pub fn missed(self, view: &View) -> u64 {
        view.oldest().since(self.next)
    }

    /// Skips the events that `view` no longer holds, and returns how many these are.
    pub fn skip_missed(&mut self, view: &View) -> u64 {
        let missed = self.missed(view);
        self.next = self.next.max(view.oldest());
        missed
    }

    /// The lines due, at most `limit` bytes of them: empty if there is none. The last may be cut
    /// off. No event is [missed](Self::missed).
    #[inline]
    pub fn due(self, view: &View, limit: usize) -> &[u8] {
        let lines = view.lines_from(self.next);
        &lines[..lines.len().min(limit)]
    }

    /// Moves past the `taken` bytes that were taken of what is [due](Self::due). Returns the rest of
    /// the line that was taken in part, which it moves past, too.
    #[inline]
    pub fn advance<'a>(&mut self, view: &'a View, taken: usize) -> &'a [u8] {
        let (rest, next) = view.after(self.next, taken);
        self.next = next;
        rest
    }

    /// Takes whole lines: about `limit` bytes of those that are due, but at least one line if there
    /// is one. No event is [missed](Self::missed).
    pub fn take_lines<'a>(&mut self, view: &'a View, limit: usize) -> &'a [u8] {
        let lines = view.lines_from(self.next);
        let length = lines.len().min(limit.max(1));
        let rest = self.advance(view, length).len();
        &lines[..length + rest]
    }
}

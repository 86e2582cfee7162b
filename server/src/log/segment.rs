use tribune_protocol::Seq;

/// Few lines of events are shorter than this, such as `{"seq":12345,"ms":12345,"type":"clock","clock":12}`. Decides for how many
/// events a segment has room from the beginning.
const SHORT_LINE: usize = 48;

/// A run of consecutive events, as the bytes of their lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first event in it, or the one that would be.
    first: Seq,
    bytes: Vec<u8>,
    /// Where the line of each event ends. 4 bytes per event: a segment is far below 4 GiB.
    ends: Vec<u32>,
}

impl Segment {
    /// A segment that begins with the event `first` and has room for `capacity` bytes.
    pub(super) fn new(first: Seq, capacity: usize) -> Self {
        let events = capacity / SHORT_LINE;
        Self { first, bytes: Vec::with_capacity(capacity), ends: Vec::with_capacity(events) }
    }

    /// The first event in it, or the one that would be.
    pub(super) fn first(&self) -> Seq {
        self.first
    }

    /// The event after the last one in it.
    pub(super) fn next(&self) -> Seq {
        Seq(self.first.0 + self.ends.len() as u64)
    }

    /// The bytes of all its lines.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a line of `length` bytes fits without allocating. An empty segment takes a line of any
    /// length.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.ends.is_empty() || self.bytes.capacity() - self.bytes.len() >= length
    }

    /// Appends the line of the next event.
    pub(super) fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a segment is far below 4 GiB"));
    }

    /// Appends what `longer`, a later state of this segment, has in addition.
    pub(super) fn catch_up(&mut self, longer: &Self) {
        debug_assert_eq!(self.first, longer.first);
        self.bytes.extend_from_slice(&longer.bytes[self.bytes.len()..]);
        self.ends.extend_from_slice(&longer.ends[self.ends.len()..]);
    }

    /// The lines of the event `from` and all after it. `from` is in the segment, or the next.
    pub(super) fn lines_from(&self, from: Seq) -> &[u8] {
        &self.bytes[self.start_of(from)..]
    }

    /// What is left to write after `written` bytes of [`lines_from`](Self::lines_from) `from`: the
    /// rest of a line that was written in part, and the first event of which nothing was written.
    pub(super) fn after(&self, from: Seq, written: usize) -> (&[u8], Seq) {
        let reached = self.start_of(from) + written;
        let whole = self.ends.partition_point(|&end| end as usize <= reached);
        let boundary = self.start_of(Seq(self.first.0 + whole as u64));
        if boundary == reached {
            (&[], Seq(self.first.0 + whole as u64))
        } else {
            (&self.bytes[reached..self.ends[whole] as usize], Seq(self.first.0 + whole as u64 + 1))
        }
    }

    /// Where the line of `event` starts.
    fn start_of(&self, event: Seq) -> usize {
        // Within a segment, so the difference is at most the length of `ends`.
        let index = usize::try_from(event.since(self.first)).expect("an event of this segment");
        if index == 0 { 0 } else { self.ends[index - 1] as usize }
    }
}

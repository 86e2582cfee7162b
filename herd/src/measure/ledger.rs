use super::{counts::Counts, violation::Violation};

/// How many gaps in its stream a client keeps, to tell late events from duplicates.
const MAX_GAPS: usize = 64;

/// The largest plausible jump of event numbers: a number beyond it is wrong.
const MAX_JUMP: u64 = 1 << 32;

/// How a received event fits into the client's stream so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The client has not received it before: it is the next, or late.
    New(Option<Violation>),
    /// The client has received it before, or it is invalid.
    Wrong(Violation),
}

/// Accounts for the events of one client's stream, and finds its violations.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The event that is due next.
    next: u64,
    /// Changes since the counts were last taken.
    counts: Counts,
    /// Events that have not arrived although later ones have: first, last.
    gaps: Vec<(u64, u64)>,
    /// Whether there were more gaps than are kept.
    has_forgotten: bool,
    /// Malformed lines since the last valid one. They may have been the missing events.
    unreadable: u64,
    /// The last event, if its number was not the expected one. If the stream continues from the
    /// expected one, that number was wrong.
    jump: Option<Jump>,
}

#[derive(Clone, Copy, Debug)]
struct Jump {
    expected: u64,
    actual: u64,
}

impl Ledger {
    /// The ledger of a client whose state includes the events up to `after`.
    pub fn new(after: u64) -> Self {
        Self {
            next: after.min(u64::MAX - MAX_JUMP) + 1,
            counts: Counts::default(),
            gaps: Vec::new(),
            has_forgotten: false,
            unreadable: 0,
            jump: None,
        }
    }

    /// The event that is due next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Adds the event `seq`. `is_repeat` tells whether it equals the event of that number in everything
    /// else.
    pub fn event(&mut self, seq: u64, is_repeat: impl FnOnce() -> bool) -> Finding {
        if seq == self.next {
            self.jump = None;
            self.accept_next();
            return Finding::New(None);
        }
        if seq.saturating_sub(self.next) > MAX_JUMP {
            return Finding::Wrong(self.malformed());
        }
        if seq > self.next {
            self.skip_to(seq);
            return Finding::New(None);
        }
        if let Some(jump) = self.jump.take()
            && seq == jump.expected + 1
        {
            return self.undo(jump);
        }
        if let Some(index) = self.gaps.iter().position(|gap| (gap.0..=gap.1).contains(&seq)) {
            self.fill(index, seq);
            return self.late(seq);
        }
        let is_repeat = is_repeat();
        if is_repeat && self.has_forgotten {
            return self.late(seq);
        }
        if is_repeat {
            self.counts.duplicated += 1;
            Finding::Wrong(Violation::Duplicated(seq))
        } else {
            Finding::Wrong(self.malformed())
        }
    }

    /// Adds a malformed line.
    pub fn malformed(&mut self) -> Violation {
        self.counts.malformed += 1;
        self.unreadable += 1;
        Violation::Malformed(self.next - 1)
    }

    /// Adds a `resync`: the server skips `missed` events up to `seq`.
    pub fn resync(&mut self, missed: u64, seq: u64) -> Option<Violation> {
        if seq.saturating_sub(self.next) > MAX_JUMP {
            return Some(self.malformed());
        }
        let skipped = (seq + 1).saturating_sub(self.next);
        let violation = (missed != skipped).then(|| {
            self.counts.malformed += 1;
            Violation::WrongResync(self.next - 1)
        });
        self.counts.expected += signed(skipped);
        self.counts.skipped_notified += signed(skipped);
        self.next = self.next.max(seq + 1);
        self.jump = None;
        self.unreadable = 0;
        violation
    }

    /// Adds the end of the stream, which should include everything up to `last`.
    pub fn end_short(&mut self, last: u64) -> Option<Violation> {
        let missing = (last + 1).saturating_sub(self.next).min(MAX_JUMP);
        let violation = (missing > 0).then(|| Violation::LostEnd(self.next - 1));
        self.counts.expected += signed(missing);
        self.counts.lost += signed(missing);
        self.next += missing;
        violation
    }

    /// Takes the changes since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The gaps that are left.
    pub fn missing(&self) -> impl Iterator<Item = Violation> {
        self.gaps.iter().map(|&(first, last)| Violation::Lost(first, last))
    }

    fn accept_next(&mut self) {
        self.next += 1;
        self.counts.expected += 1;
        self.counts.received += 1;
        self.unreadable = 0;
    }

    /// Adds `seq`, and a gap before it.
    fn skip_to(&mut self, seq: u64) {
        let missing = seq - self.next;
        // Malformed lines took the place of some of them: those are not lost.
        let garbled = missing.min(self.unreadable);
        self.counts.expected += signed(missing);
        self.counts.lost += signed(missing - garbled);
        if garbled < missing {
            self.remember((self.next + garbled, seq - 1));
        }
        self.jump = (self.unreadable == 0).then_some(Jump { expected: self.next, actual: seq });
        self.next = seq;
        self.accept_next();
    }

    /// Undoes `jump`: the stream continues as if that event had had the expected number, so its number
    /// was wrong and nothing is lost.
    fn undo(&mut self, jump: Jump) -> Finding {
        let skipped = signed(jump.actual - jump.expected);
        self.gaps.retain(|gap| *gap != (jump.expected, jump.actual - 1));
        self.counts.expected -= skipped;
        self.counts.lost -= skipped;
        self.counts.received -= 1;
        self.counts.malformed += 1;
        self.next = jump.expected + 1;
        self.accept_next();
        Finding::New(Some(Violation::Malformed(jump.expected - 1)))
    }

    /// Removes `seq` from the gap `index`.
    fn fill(&mut self, index: usize, seq: u64) {
        let (first, last) = self.gaps.swap_remove(index);
        if first < seq {
            self.remember((first, seq - 1));
        }
        if seq < last {
            self.remember((seq + 1, last));
        }
    }

    fn remember(&mut self, gap: (u64, u64)) {
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push(gap);
        } else {
            self.has_forgotten = true;
        }
    }

    fn late(&mut self, seq: u64) -> Finding {
        self.counts.lost -= 1;
        self.counts.received += 1;
        self.counts.out_of_order += 1;
        Finding::New(Some(Violation::OutOfOrder(seq)))
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The counts and violations of a stream after event 0; 0 stands for a malformed line.
    fn counts(stream: &[u64]) -> (Counts, Vec<Violation>) {
        let mut ledger = Ledger::new(0);
        let mut violations = Vec::new();
        for &seq in stream {
            let violation = match seq {
                0 => Some(ledger.malformed()),
                seq => match ledger.event(seq, || true) {
                    Finding::New(violation) => violation,
                    Finding::Wrong(violation) => Some(violation),
                },
            };
            violations.extend(violation);
        }
        violations.extend(ledger.missing());
        (ledger.take_counts(), violations)
    }

    fn faults(stream: &[u64]) -> (i64, i64, i64, i64) {
        let counts = counts(stream).0;
        (counts.lost, counts.duplicated, counts.out_of_order, counts.malformed)
    }

    #[test]
    fn finds_and_names_each_fault() {
        assert_eq!(faults(&[1, 2, 3, 4]), (0, 0, 0, 0));
        assert_eq!(faults(&[1, 3, 4]), (1, 0, 0, 0));
        assert_eq!(faults(&[1, 2, 2, 3]), (0, 1, 0, 0));
        assert_eq!(faults(&[1, 3, 2, 4]), (0, 0, 1, 0));
        assert_eq!(faults(&[1, 0, 3, 4]), (0, 0, 0, 1));
        assert_eq!(faults(&[1, 0, 4, 5]), (1, 0, 0, 1));
        assert_eq!(counts(&[1, 3, 4]).1, [Violation::Lost(2, 2)]);
        assert_eq!(counts(&[1, 2, 2, 3]).1, [Violation::Duplicated(2)]);
        assert_eq!(counts(&[1, 3, 2, 4]).1, [Violation::OutOfOrder(2)]);
        assert_eq!(counts(&[1, 0, 3]).1, [Violation::Malformed(1)]);
    }

    #[test]
    fn a_wrong_number_is_one_fault() {
        // 2 arrives as 42, and 5 as 1, with other content than the 1 before.
        assert_eq!(faults(&[1, 42, 3, 4]), (0, 0, 0, 1));
        let mut ledger = Ledger::new(0);
        for seq in [1, 2, 3, 4] {
            ledger.event(seq, || true);
        }
        assert_eq!(ledger.event(1, || false), Finding::Wrong(Violation::Malformed(4)));
        assert_eq!(ledger.event(6, || true), Finding::New(None));
        let counts = ledger.take_counts();
        assert_eq!((counts.lost, counts.malformed, counts.expected), (0, 1, 6));
    }

    #[test]
    fn rejects_implausible_numbers() {
        for seq in [u64::MAX, 1 << 63, 1 << 40] {
            assert_eq!(faults(&[1, seq, 3]), (0, 0, 0, 1));
            let mut ledger = Ledger::new(0);
            assert_eq!(ledger.resync(seq, seq), Some(Violation::Malformed(0)));
            assert_eq!(ledger.take_counts().skipped_notified, 0);
        }
    }

    #[test]
    fn any_number_of_late_events_is_late() {
        let odd = (1..1000).step_by(2);
        let even = (2..1000).step_by(2);
        let stream: Vec<u64> = odd.chain(even).collect();
        let (lost, duplicated, out_of_order, malformed) = faults(&stream);
        assert_eq!((lost, duplicated, malformed, out_of_order), (0, 0, 0, 499));
    }

    #[test]
    fn events_skipped_by_a_resync_are_not_lost() {
        let mut ledger = Ledger::new(10);
        assert_eq!(ledger.resync(5, 15), None);
        ledger.event(16, || true);
        assert_eq!(ledger.resync(1, 20), Some(Violation::WrongResync(16)));
        let counts = ledger.take_counts();
        assert_eq!((counts.skipped_notified, counts.lost, counts.received), (9, 0, 1));
        assert_eq!((counts.expected, counts.malformed), (10, 1));
    }

    #[test]
    fn a_missing_end_is_lost() {
        let mut ledger = Ledger::new(0);
        ledger.event(1, || true);
        assert_eq!(ledger.end_short(1), None);
        assert_eq!(ledger.end_short(4), Some(Violation::LostEnd(1)));
        assert_eq!(ledger.take_counts().lost, 3);
    }

    /// What a faulty server may do to one event of a stream.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        Drop,
        Repeat,
        Garble,
        SwapWithNext,
    }

    proptest! {
        #[test]
        fn counts_all_faults_that_are_apart(faults_in_stream in prop::collection::vec(
            prop::sample::select(vec![Fault::Drop, Fault::Repeat, Fault::Garble, Fault::SwapWithNext]), 0..30,
        )) {
            // Four events apart, so that they do not interact.
            let mut stream = vec![1, 2];
            let mut seq = 3;
            for fault in &faults_in_stream {
                match fault {
                    Fault::Drop => {}
                    Fault::Repeat => stream.extend([seq, seq]),
                    Fault::Garble => stream.push(0),
                    Fault::SwapWithNext => stream.extend([seq + 1, seq]),
                }
                let done = if matches!(fault, Fault::SwapWithNext) { 2 } else { 1 };
                stream.extend(seq + done..seq + 4);
                seq += 4;
            }
            let (counts, _) = counts(&stream);
            let of = |wanted: fn(&Fault) -> bool| signed(faults_in_stream.iter().filter(|fault| wanted(fault)).count() as u64);
            prop_assert_eq!(counts.lost, of(|fault| matches!(fault, Fault::Drop)));
            prop_assert_eq!(counts.duplicated, of(|fault| matches!(fault, Fault::Repeat)));
            prop_assert_eq!(counts.malformed, of(|fault| matches!(fault, Fault::Garble)));
            prop_assert_eq!(counts.out_of_order, of(|fault| matches!(fault, Fault::SwapWithNext)));
            prop_assert_eq!(counts.expected, signed(seq - 1));
        }

        #[test]
        fn accounts_for_every_event_of_any_stream(
            stream in prop::collection::vec(0_u64..40, 0..100),
        ) {
            let (counts, _) = counts(&stream);
            let last = stream.iter().max().copied().unwrap_or(0);
            prop_assert!(counts.expected <= signed(last));
            prop_assert!(counts.lost >= 0 && counts.received >= 0);
            prop_assert!(counts.received + counts.lost <= counts.expected);
            prop_assert!(counts.expected <= counts.received + counts.lost + counts.malformed);
        }

        #[test]
        fn a_correct_stream_has_no_faults(length in 0_u64..200) {
            let stream: Vec<u64> = (1..=length).collect();
            prop_assert_eq!(faults(&stream), (0, 0, 0, 0));
        }
    }
}

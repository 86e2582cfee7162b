use super::{counts::Counts, offence::Offence};

/// How many holes in its stream a member remembers, to know a late event from one that comes twice.
const MOST_GAPS: usize = 64;

/// No server runs ahead so far at once: a number beyond that is wrong.
const FARTHEST: u64 = 1 << 32;

/// What an event is to the member that got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is the next, or one that comes late: the member has not had it before.
    New(Option<Offence>),
    /// The member has had it, or it is none.
    Wrong(Offence),
}

/// Follows the stream of one member, event by event, and finds what is wrong with it.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The event that should come next.
    next: u64,
    /// What changed since it was last taken.
    counts: Counts,
    /// Events that have not come although later ones have: from, to.
    gaps: Vec<(u64, u64)>,
    /// Whether there were more than could be remembered.
    has_forgotten: bool,
    /// Malformed lines since the last good one. They may have been the events that are missing.
    unreadable: u64,
    /// The last event, if its number was not the one expected: a wrong number would be the reason
    /// if the stream goes on as if it had been right.
    jump: Option<Jump>,
}

#[derive(Clone, Copy, Debug)]
struct Jump {
    expected: u64,
    came: u64,
}

impl Ledger {
    /// The ledger of a member that knows everything up to the event `after`.
    pub fn new(after: u64) -> Self {
        Self {
            next: after.min(u64::MAX - FARTHEST) + 1,
            counts: Counts::default(),
            gaps: Vec::new(),
            has_forgotten: false,
            unreadable: 0,
            jump: None,
        }
    }

    /// The event that should come next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Takes in that the event `seq` came. `is_repeat` says whether one that came before was the
    /// same in all else, too.
    pub fn event(&mut self, seq: u64, is_repeat: impl FnOnce() -> bool) -> Finding {
        if seq == self.next {
            self.jump = None;
            self.accept_next();
            return Finding::New(None);
        }
        if seq.saturating_sub(self.next) > FARTHEST {
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
            Finding::Wrong(Offence::Duplicated(seq))
        } else {
            Finding::Wrong(self.malformed())
        }
    }

    /// Takes in a line that cannot be read.
    pub fn malformed(&mut self) -> Offence {
        self.counts.malformed += 1;
        self.unreadable += 1;
        Offence::Malformed(self.next - 1)
    }

    /// Takes in that the server skips `missed` events up to `seq`.
    pub fn resync(&mut self, missed: u64, seq: u64) -> Option<Offence> {
        if seq.saturating_sub(self.next) > FARTHEST {
            return Some(self.malformed());
        }
        let skipped = (seq + 1).saturating_sub(self.next);
        let offence = (missed != skipped).then(|| {
            self.counts.malformed += 1;
            Offence::WrongResync(self.next - 1)
        });
        self.counts.expected += signed(skipped);
        self.counts.told += signed(skipped);
        self.next = self.next.max(seq + 1);
        self.jump = None;
        self.unreadable = 0;
        offence
    }

    /// Takes in that nothing more comes, though everything up to `last` should have.
    pub fn end_short(&mut self, last: u64) -> Option<Offence> {
        let missing = (last + 1).saturating_sub(self.next).min(FARTHEST);
        let offence = (missing > 0).then(|| Offence::LostEnd(self.next - 1));
        self.counts.expected += signed(missing);
        self.counts.lost += signed(missing);
        self.next += missing;
        offence
    }

    /// What changed since this was last asked.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// What never came.
    pub fn missing(&self) -> impl Iterator<Item = Offence> {
        self.gaps.iter().map(|&(first, last)| Offence::Lost(first, last))
    }

    fn accept_next(&mut self) {
        self.next += 1;
        self.counts.expected += 1;
        self.counts.received += 1;
        self.unreadable = 0;
    }

    /// Takes in `seq`, and that those before it have not come.
    fn skip_to(&mut self, seq: u64) {
        let missing = seq - self.next;
        // What came in their place could not be read: that is not lost.
        let garbled = missing.min(self.unreadable);
        self.counts.expected += signed(missing);
        self.counts.lost += signed(missing - garbled);
        if garbled < missing {
            self.remember((self.next + garbled, seq - 1));
        }
        self.jump = (self.unreadable == 0).then_some(Jump { expected: self.next, came: seq });
        self.next = seq;
        self.accept_next();
    }

    /// The stream goes on after `jump` as if that event had had the number expected: so its number
    /// was wrong, and nothing is lost.
    fn undo(&mut self, jump: Jump) -> Finding {
        let skipped = signed(jump.came - jump.expected);
        self.gaps.retain(|gap| *gap != (jump.expected, jump.came - 1));
        self.counts.expected -= skipped;
        self.counts.lost -= skipped;
        self.counts.received -= 1;
        self.counts.malformed += 1;
        self.next = jump.expected + 1;
        self.accept_next();
        Finding::New(Some(Offence::Malformed(jump.expected - 1)))
    }

    /// Takes `seq` out of the gap `index`.
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
        if self.gaps.len() < MOST_GAPS {
            self.gaps.push(gap);
        } else {
            self.has_forgotten = true;
        }
    }

    fn late(&mut self, seq: u64) -> Finding {
        self.counts.lost -= 1;
        self.counts.received += 1;
        self.counts.out_of_order += 1;
        Finding::New(Some(Offence::OutOfOrder(seq)))
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a ledger says of a stream after event 0; 0 stands for a line that cannot be read.
    fn counts(stream: &[u64]) -> (Counts, Vec<Offence>) {
        let mut ledger = Ledger::new(0);
        let mut offences = Vec::new();
        for &seq in stream {
            let offence = match seq {
                0 => Some(ledger.malformed()),
                seq => match ledger.event(seq, || true) {
                    Finding::New(offence) => offence,
                    Finding::Wrong(offence) => Some(offence),
                },
            };
            offences.extend(offence);
        }
        offences.extend(ledger.missing());
        (ledger.take_counts(), offences)
    }

    fn faults(stream: &[u64]) -> (i64, i64, i64, i64) {
        let counts = counts(stream).0;
        (counts.lost, counts.duplicated, counts.out_of_order, counts.malformed)
    }

    #[test]
    fn each_fault_is_found_and_named() {
        assert_eq!(faults(&[1, 2, 3, 4]), (0, 0, 0, 0));
        assert_eq!(faults(&[1, 3, 4]), (1, 0, 0, 0));
        assert_eq!(faults(&[1, 2, 2, 3]), (0, 1, 0, 0));
        assert_eq!(faults(&[1, 3, 2, 4]), (0, 0, 1, 0));
        assert_eq!(faults(&[1, 0, 3, 4]), (0, 0, 0, 1));
        assert_eq!(faults(&[1, 0, 4, 5]), (1, 0, 0, 1));
        assert_eq!(counts(&[1, 3, 4]).1, [Offence::Lost(2, 2)]);
        assert_eq!(counts(&[1, 2, 2, 3]).1, [Offence::Duplicated(2)]);
        assert_eq!(counts(&[1, 3, 2, 4]).1, [Offence::OutOfOrder(2)]);
        assert_eq!(counts(&[1, 0, 3]).1, [Offence::Malformed(1)]);
    }

    #[test]
    fn a_number_that_is_wrong_is_one_fault_and_not_many() {
        // 2 came as 42, and 5 as 1, which is not the same as the 1 that came before.
        assert_eq!(faults(&[1, 42, 3, 4]), (0, 0, 0, 1));
        let mut ledger = Ledger::new(0);
        for seq in [1, 2, 3, 4] {
            ledger.event(seq, || true);
        }
        assert_eq!(ledger.event(1, || false), Finding::Wrong(Offence::Malformed(4)));
        assert_eq!(ledger.event(6, || true), Finding::New(None));
        let counts = ledger.take_counts();
        assert_eq!((counts.lost, counts.malformed, counts.expected), (0, 1, 6));
    }

    #[test]
    fn a_number_beyond_all_sense_is_no_event() {
        for seq in [u64::MAX, 1 << 63, 1 << 40] {
            assert_eq!(faults(&[1, seq, 3]), (0, 0, 0, 1));
            let mut ledger = Ledger::new(0);
            assert_eq!(ledger.resync(seq, seq), Some(Offence::Malformed(0)));
            assert_eq!(ledger.take_counts().told, 0);
        }
    }

    #[test]
    fn late_events_are_late_however_many_there_are() {
        let odd = (1..1000).step_by(2);
        let even = (2..1000).step_by(2);
        let stream: Vec<u64> = odd.chain(even).collect();
        let (lost, duplicated, out_of_order, malformed) = faults(&stream);
        assert_eq!((lost, duplicated, malformed, out_of_order), (0, 0, 0, 499));
    }

    #[test]
    fn what_is_told_is_not_lost() {
        let mut ledger = Ledger::new(10);
        assert_eq!(ledger.resync(5, 15), None);
        ledger.event(16, || true);
        assert_eq!(ledger.resync(1, 20), Some(Offence::WrongResync(16)));
        let counts = ledger.take_counts();
        assert_eq!((counts.told, counts.lost, counts.received), (9, 0, 1));
        assert_eq!((counts.expected, counts.malformed), (10, 1));
    }

    #[test]
    fn an_end_that_does_not_come_is_lost() {
        let mut ledger = Ledger::new(0);
        ledger.event(1, || true);
        assert_eq!(ledger.end_short(1), None);
        assert_eq!(ledger.end_short(4), Some(Offence::LostEnd(1)));
        assert_eq!(ledger.take_counts().lost, 3);
    }

    /// What a server may do to one event of a stream.
    #[derive(Clone, Copy, Debug)]
    enum Lie {
        Drop,
        Repeat,
        Garble,
        SwapWithNext,
    }

    proptest! {
        #[test]
        fn lies_that_stand_apart_are_all_counted(lies in prop::collection::vec(
            prop::sample::select(vec![Lie::Drop, Lie::Repeat, Lie::Garble, Lie::SwapWithNext]), 0..30,
        )) {
            // Four events apart, so that each can be told from the others.
            let mut stream = vec![1, 2];
            let mut seq = 3;
            for lie in &lies {
                match lie {
                    Lie::Drop => {}
                    Lie::Repeat => stream.extend([seq, seq]),
                    Lie::Garble => stream.push(0),
                    Lie::SwapWithNext => stream.extend([seq + 1, seq]),
                }
                let done = if matches!(lie, Lie::SwapWithNext) { 2 } else { 1 };
                stream.extend(seq + done..seq + 4);
                seq += 4;
            }
            let (counts, _) = counts(&stream);
            let of = |wanted: fn(&Lie) -> bool| signed(lies.iter().filter(|lie| wanted(lie)).count() as u64);
            prop_assert_eq!(counts.lost, of(|lie| matches!(lie, Lie::Drop)));
            prop_assert_eq!(counts.duplicated, of(|lie| matches!(lie, Lie::Repeat)));
            prop_assert_eq!(counts.malformed, of(|lie| matches!(lie, Lie::Garble)));
            prop_assert_eq!(counts.out_of_order, of(|lie| matches!(lie, Lie::SwapWithNext)));
            prop_assert_eq!(counts.expected, signed(seq - 1));
        }

        #[test]
        fn every_event_is_accounted_for_whatever_comes(
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
        fn a_stream_without_fault_has_none(length in 0_u64..200) {
            let stream: Vec<u64> = (1..=length).collect();
            prop_assert_eq!(faults(&stream), (0, 0, 0, 0));
        }
    }
}

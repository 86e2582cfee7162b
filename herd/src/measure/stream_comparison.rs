use std::sync::{
    Mutex, MutexGuard, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use tribune_protocol::{Event, GameId, State};

use super::{
    event_summary::EventSummary,
    fingerprint::Fingerprint,
    latencies::Latencies,
    lock::lock,
    state_check::StateCheck,
    tally::{MAX_VIOLATIONS, ObservedViolation, Tally},
    violation::Violation,
};

/// How many consecutive events share a lock.
const SEGMENT: u64 = 256;

/// The number of segments. A client that is more than all of them, 16,384 events, behind the first is
/// not compared with the others.
const SEGMENTS: usize = 64;

/// Compares the streams of all clients: whether each event is the same for all, how long it takes from
/// the first client that receives it to the last, and whether states agree with events.
///
/// It also saves work: each event is parsed once, by the first client that receives it. All others
/// recognize it by the fingerprint of its line.
#[derive(Debug)]
pub struct StreamComparison {
    game: OnceLock<GameId>,
    /// The last event that any client has received.
    head: AtomicU64,
    /// The number of the first `bye` that any client has received; 0 before.
    bye: AtomicU64,
    segments: Vec<Mutex<Segment>>,
    states: Mutex<StateCheck>,
    result: Mutex<ComparisonResult>,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default)]
pub struct ComparisonResult {
    /// From the first to the last client that received the same event.
    pub skew: Latencies,
    /// Events that were different for a client than for most.
    different: u64,
    /// States that did not agree with the events, and events that did not agree with the state.
    disagreements: u64,
    /// The first clients that received these.
    violations: Vec<ObservedViolation>,
}

/// Some consecutive events.
#[derive(Clone, Debug, Default)]
struct Segment {
    first: u64,
    events: Vec<Option<SeenEvent>>,
}

/// An event that at least one client has received.
#[derive(Clone, Copy, Debug)]
struct SeenEvent {
    fingerprint: Fingerprint,
    content: Fingerprint,
    summary: EventSummary,
    first_at: u64,
    last_at: u64,
    first_client: u64,
    /// How many clients received the same line, and how many another.
    same: u64,
    different: u64,
    different_client: u64,
}

impl Default for StreamComparison {
    fn default() -> Self {
        Self {
            game: OnceLock::new(),
            head: AtomicU64::new(0),
            bye: AtomicU64::new(0),
            segments: (0..SEGMENTS).map(|_| Mutex::default()).collect(),
            states: Mutex::default(),
            result: Mutex::default(),
        }
    }
}

impl StreamComparison {
    /// Whether `game` is the game that all other clients are in.
    pub fn is_same_game(&self, game: &GameId) -> bool {
        self.game.get_or_init(|| game.clone()) == game
    }

    /// The last event that any client has received.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// The event `seq`, if another client has received it as a line with this `fingerprint`. Counts it
    /// as received at `at_us`.
    pub fn recognize(
        &self,
        seq: u64,
        fingerprint: Fingerprint,
        at_us: u64,
    ) -> Option<EventSummary> {
        let mut segment = self.segment(seq);
        let seen = segment.get(seq).filter(|seen| seen.fingerprint == fingerprint)?;
        seen.count(at_us);
        Some(seen.summary)
    }

    /// Adds `event`, which `client` received at `at_us` as `line`, and which was not recognized. Unless
    /// it is the next event for that client (`is_next`), its number may be wrong: then it is only
    /// compared with what other clients have received.
    pub fn insert(&self, event: Event, line: &[u8], at_us: u64, client: u64, is_next: bool) {
        let summary = EventSummary::from(&event);
        let (fingerprint, content) = (Fingerprint::of(line), Fingerprint::of_content(line));
        let mut segment = self.segment(summary.seq);
        let first = summary.seq - summary.seq % SEGMENT;
        if is_next && (segment.first < first || segment.events.is_empty()) {
            self.reuse(&mut segment, first);
        }
        if segment.first != first {
            return;
        }
        if is_next {
            self.head.fetch_max(summary.seq, Ordering::Relaxed);
        }
        match segment.get(summary.seq) {
            // Another client has inserted it meanwhile, or the fields are in another order.
            Some(seen) if seen.content == content => seen.count(at_us),
            Some(seen) if is_next => {
                seen.different += 1;
                seen.different_client = client;
            }
            None if is_next => {
                segment.put(SeenEvent {
                    fingerprint,
                    content,
                    summary,
                    first_at: at_us,
                    last_at: at_us,
                    first_client: client,
                    same: 1,
                    different: 0,
                    different_client: 0,
                });
                drop(segment);
                let wrong = lock(&self.states).apply(client, event);
                self.record_disagreements(wrong);
            }
            _ => {}
        }
    }

    /// Checks `state`, which `client` received as a line with this `fingerprint`, against the events.
    pub fn check_state(&self, client: u64, state: &State, fingerprint: Fingerprint) {
        let wrong = lock(&self.states).check(client, state, fingerprint);
        self.record_disagreements(wrong);
    }

    /// Whether the event `seq` is unknown, or the same as `line`.
    pub fn matches(&self, seq: u64, line: &[u8]) -> bool {
        let content = Fingerprint::of_content(line);
        self.segment(seq).get(seq).is_none_or(|seen| seen.content == content)
    }

    /// Notes that a client has received `bye` as the event `seq`. Returns whether another client has
    /// too: then the game is over, and it is not one faulty stream that says so.
    pub fn confirm_bye(&self, seq: u64) -> bool {
        let first = self.bye.compare_exchange(0, seq, Ordering::Relaxed, Ordering::Relaxed);
        first == Err(seq)
    }

    /// The result for all events so far.
    pub fn result(&self) -> ComparisonResult {
        for segment in &self.segments {
            let mut segment = lock(segment);
            let first = segment.first;
            self.reuse(&mut segment, first);
        }
        lock(&self.result).clone()
    }

    fn segment(&self, seq: u64) -> MutexGuard<'_, Segment> {
        let index = usize::try_from(seq / SEGMENT).unwrap_or(0) % SEGMENTS;
        lock(&self.segments[index])
    }

    /// Moves the events of `segment` to the result, and makes room for those from `first` on.
    fn reuse(&self, segment: &mut Segment, first: u64) {
        let mut result = lock(&self.result);
        for seen in segment.events.drain(..).flatten() {
            result.add(&seen);
        }
        segment.first = first;
        segment.events.resize(usize::try_from(SEGMENT).unwrap_or(usize::MAX), None);
    }

    fn record_disagreements(&self, found: impl IntoIterator<Item = ObservedViolation>) {
        for ObservedViolation { client, violation } in found {
            let mut result = lock(&self.result);
            result.disagreements += 1;
            result.record_violation(client, violation);
        }
    }
}

impl Segment {
    fn get(&mut self, seq: u64) -> Option<&mut SeenEvent> {
        let index = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.events.get_mut(index)?.as_mut()
    }

    fn put(&mut self, seen: SeenEvent) {
        let index = usize::try_from(seen.summary.seq - self.first).unwrap_or(usize::MAX);
        if let Some(slot) = self.events.get_mut(index) {
            *slot = Some(seen);
        }
    }
}

impl SeenEvent {
    fn count(&mut self, at_us: u64) {
        self.same += 1;
        self.last_at = self.last_at.max(at_us);
    }
}

impl ComparisonResult {
    /// Corrects `tally` by what only the comparison shows. What differs between clients is malformed
    /// for one of them, and was counted as received.
    pub fn correct(&self, tally: &mut Tally) {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        tally.counts.malformed += signed(self.different) + signed(self.disagreements);
        tally.counts.received -= signed(self.different);
        for observed in &self.violations {
            tally.record_violation(observed.client, observed.violation);
        }
    }

    fn add(&mut self, seen: &SeenEvent) {
        if seen.same > 1 {
            self.skew.record_us(seen.last_at - seen.first_at);
        }
        if seen.different == 0 {
            return;
        }
        // The majority is taken to be right.
        let (wrong, client) = if seen.different > seen.same {
            (seen.same, seen.first_client)
        } else {
            (seen.different, seen.different_client)
        };
        self.different += wrong;
        self.record_violation(client, Violation::Different(seen.summary.seq));
    }

    fn record_violation(&mut self, client: u64, violation: Violation) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(ObservedViolation { client, violation });
        }
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{BoardSize, EventKind, Seq};

    use super::*;

    fn event(seq: u64) -> Event {
        Event { seq: Seq(seq), ms: 5, kind: EventKind::Unknown }
    }

    /// Lets `client` receive `line` as the event `seq`.
    fn receive(comparison: &StreamComparison, client: u64, seq: u64, line: &str, at: u64) {
        let fingerprint = Fingerprint::of(line.as_bytes());
        if comparison.recognize(seq, fingerprint, at).is_none() {
            comparison.insert(event(seq), line.as_bytes(), at, client, true);
        }
    }

    #[test]
    fn skew_is_the_time_from_the_first_to_the_last_client() {
        let comparison = StreamComparison::default();
        for (client, at) in [(1, 1000), (2, 1900), (3, 1500)] {
            receive(&comparison, client, 7, "seven", at);
        }
        receive(&comparison, 1, 8, "eight", 5000);
        let result = comparison.result();
        let skew = result.skew.percentiles().unwrap();
        assert_eq!((skew.p50, skew.max), (900, 900), "one client alone has no skew");
        assert_eq!((result.different, comparison.head()), (0, 8));
    }

    #[test]
    fn names_clients_that_differ_from_the_majority() {
        let comparison = StreamComparison::default();
        for (client, line) in [(1, "wrong"), (2, "right"), (3, "right"), (4, "right")] {
            receive(&comparison, client, 3, line, 10);
        }
        for (client, line) in [(1, "right"), (2, "right"), (3, "wrong")] {
            receive(&comparison, client, 4, line, 10);
        }
        let result = comparison.result();
        let named: Vec<_> =
            result.violations.iter().map(|found| (found.client, found.violation)).collect();
        assert_eq!(named, [(1, Violation::Different(3)), (3, Violation::Different(4))]);
        assert_eq!(result.different, 2);
    }

    #[test]
    fn does_not_compare_clients_that_are_far_behind() {
        let comparison = StreamComparison::default();
        let far = SEGMENT * SEGMENTS as u64;
        receive(&comparison, 1, 5, "five", 10);
        receive(&comparison, 2, 5, "five", 30);
        receive(&comparison, 1, 5 + far, "later", 50);
        receive(&comparison, 3, 5, "late and wrong", 60);
        let result = comparison.result();
        assert_eq!(result.skew.percentiles().unwrap().max, 20);
        assert_eq!(result.different, 0);
        assert_eq!(comparison.head(), 5 + far);
    }

    #[test]
    fn parses_an_event_once_and_recognizes_it_later() {
        let comparison = StreamComparison::default();
        let fingerprint = Fingerprint::of(b"bye");
        assert_eq!(comparison.recognize(9, fingerprint, 1), None);
        let bye = Event { kind: EventKind::Bye { reason: String::new() }, ..event(9) };
        let summary = EventSummary::from(&bye);
        comparison.insert(bye, b"bye", 1, 1, true);
        assert_eq!(comparison.recognize(9, fingerprint, 2), Some(summary));
        assert_eq!(comparison.recognize(9, Fingerprint::of(b"by"), 3), None);
        assert!(!comparison.matches(9, b"by") && comparison.matches(10, b"bye"));
    }

    #[test]
    fn two_clients_must_confirm_the_end_of_the_game() {
        let comparison = StreamComparison::default();
        assert!(!comparison.confirm_bye(7));
        assert!(!comparison.confirm_bye(9));
        assert!(comparison.confirm_bye(7));
    }

    #[test]
    fn all_clients_must_be_in_the_same_game() {
        let comparison = StreamComparison::default();
        assert!(comparison.is_same_game(&GameId("a".into())));
        assert!(!comparison.is_same_game(&GameId("b".into())));
        assert!(comparison.is_same_game(&GameId("a".into())));
    }

    #[test]
    fn corrects_counts_by_what_differs_and_by_disagreements() {
        let comparison = StreamComparison::default();
        for (client, line) in [(1, "right"), (2, "right"), (3, "wrong")] {
            receive(&comparison, client, 3, line, 10);
        }
        let board = BoardSize { width: 1, height: 1 };
        let mut state = State { clock: 1, ..State::new(Seq(3), board) };
        comparison.check_state(1, &state, Fingerprint::of(b"one"));
        state.clock = 2;
        comparison.check_state(2, &state, Fingerprint::of(b"two"));
        let mut tally = Tally::default();
        tally.counts.received = 3;
        comparison.result().correct(&mut tally);
        assert_eq!((tally.counts.received, tally.counts.malformed), (2, 2));
        let found: Vec<_> = tally.violations.iter().map(|found| found.violation).collect();
        assert_eq!(found, [Violation::WrongState(3), Violation::Different(3)]);
    }
}

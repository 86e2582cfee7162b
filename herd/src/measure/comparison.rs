use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;
use tribune_protocol::{Direction, Event, EventKind, GameId, Origin};

use super::{
    latencies::Latencies,
    offence::Offence,
    tally::{MOST_OFFENDERS, Offender},
};

/// How many events in a row are looked at under one lock.
const SEGMENT: u64 = 256;

/// How many segments there are. A member that is further behind the first than all of them, 16,384
/// events, is not compared with the others.
const SEGMENTS: usize = 64;

/// A line in short: two lines that have the same are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinePrint(u64);

impl LinePrint {
    /// The print of `line`.
    pub fn of(line: &[u8]) -> Self {
        // Nobody chooses lines so as to confuse a load test: 64 bits are enough.
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// A print of `line` that is the same whatever the order of its fields is, if it is JSON.
    pub fn of_content(line: &[u8]) -> Self {
        // A map keeps its keys in order.
        match serde_json::from_slice::<BTreeMap<String, Value>>(line) {
            Ok(fields) => Self::of(format!("{fields:?}").as_bytes()),
            Err(_) => Self::of(line),
        }
    }
}

/// What a member needs to know of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its number.
    pub seq: u64,
    /// The server's stamp.
    pub ms: u64,
    /// What it is.
    pub kind: Kind,
}

/// What an event is, as far as members care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This tick of the clock.
    Clock(u64),
    /// A move from this connection.
    Move(u64, Direction),
    /// The end of the game.
    Bye,
    /// Anything else.
    Other,
}

impl From<&Event> for Summary {
    fn from(event: &Event) -> Self {
        let kind = match &event.kind {
            EventKind::Clock { clock } => Kind::Clock(*clock),
            EventKind::Move { from: Origin::Connection(id), direction, .. } => {
                Kind::Move(id.0, *direction)
            }
            EventKind::Bye { .. } => Kind::Bye,
            _ => Kind::Other,
        };
        Self { seq: event.seq.0, ms: event.ms, kind }
    }
}

/// Compares what members get: whether the same event is the same for all, and how long it takes
/// from the first that gets it to the last.
///
/// It is also where the herd reads each event only once: to all members but the first, the print
/// of a line says what it is.
#[derive(Debug)]
pub struct Comparison {
    game: OnceLock<GameId>,
    /// The last event that anybody has got.
    head: AtomicU64,
    /// The number of the first `bye` that anybody has got; 0 before.
    bye: AtomicU64,
    segments: Vec<Mutex<Segment>>,
    settled: Mutex<Settled>,
}

/// What became of events that nobody is compared on any more.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// From the first to the last member that got the same event.
    pub skew: Latencies,
    /// Events that were different for a member.
    pub different: u64,
    /// Some members for whom they were.
    pub offenders: Vec<Offender>,
}

/// Some consecutive events.
#[derive(Clone, Debug)]
struct Segment {
    first: u64,
    events: Vec<Option<Known>>,
}

/// An event that somebody has got.
#[derive(Clone, Copy, Debug)]
struct Known {
    print: LinePrint,
    content: LinePrint,
    summary: Summary,
    first_at: u64,
    last_at: u64,
    first_member: u64,
    /// How many members got the same, and how many something else.
    same: u64,
    different: u64,
    different_member: u64,
}

impl Default for Comparison {
    fn default() -> Self {
        let segment = Segment { first: 0, events: Vec::new() };
        Self {
            game: OnceLock::new(),
            head: AtomicU64::new(0),
            bye: AtomicU64::new(0),
            segments: (0..SEGMENTS).map(|_| Mutex::new(segment.clone())).collect(),
            settled: Mutex::default(),
        }
    }
}

impl Comparison {
    /// Whether `game` is the one that all others play.
    pub fn is_same_game(&self, game: &GameId) -> bool {
        self.game.get_or_init(|| game.clone()) == game
    }

    /// The last event that anybody has got.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Relaxed)
    }

    /// What the event `seq` is, if it is known and a line of the print `print` is it. Then it counts
    /// as received at `at_us`.
    pub fn recognise(&self, seq: u64, print: LinePrint, at_us: u64) -> Option<Summary> {
        let mut segment = self.segment(seq);
        let known = segment.known(seq).filter(|known| known.print == print)?;
        known.see(at_us);
        Some(known.summary)
    }

    /// Takes in the event `summary`, which `member` received at `at_us` as `line`, and which was not
    /// recognised. If it is not the next in the member's stream (`is_next`), its number may be wrong:
    /// then it is only compared with what others have got.
    pub fn meet(&self, summary: Summary, line: &[u8], at_us: u64, member: u64, is_next: bool) {
        let (print, content) = (LinePrint::of(line), LinePrint::of_content(line));
        let mut segment = self.segment(summary.seq);
        let first = summary.seq - summary.seq % SEGMENT;
        if is_next && (segment.first < first || segment.events.is_empty()) {
            self.settle(&mut segment, first);
        }
        if segment.first != first {
            return;
        }
        if is_next {
            self.head.fetch_max(summary.seq, Ordering::Relaxed);
        }
        match segment.known(summary.seq) {
            // Another member was faster since.
            Some(known) if known.content == content => known.see(at_us),
            Some(known) if is_next => {
                known.different += 1;
                known.different_member = member;
            }
            Some(_) => {}
            None if !is_next => {}
            None => segment.put(Known {
                print,
                content,
                summary,
                first_at: at_us,
                last_at: at_us,
                first_member: member,
                same: 1,
                different: 0,
                different_member: 0,
            }),
        }
    }

    /// Whether the event `seq` is not known, or `line` is it.
    pub fn may_be(&self, seq: u64, line: &[u8]) -> bool {
        let content = LinePrint::of_content(line);
        self.segment(seq).known(seq).is_none_or(|known| known.content == content)
    }

    /// Takes in that a member has got `bye` as the event `seq`, and says whether another had, too:
    /// then the game is over, and not only for one who is lied to.
    pub fn confirms_end(&self, seq: u64) -> bool {
        let first = self.bye.compare_exchange(0, seq, Ordering::Relaxed, Ordering::Relaxed);
        first == Err(seq)
    }

    /// What became of all events so far.
    pub fn settled(&self) -> Settled {
        for segment in &self.segments {
            let mut segment = lock(segment);
            let first = segment.first;
            self.settle(&mut segment, first);
        }
        lock(&self.settled).clone()
    }

    fn segment(&self, seq: u64) -> MutexGuard<'_, Segment> {
        let index = usize::try_from(seq / SEGMENT).unwrap_or(0) % SEGMENTS;
        lock(&self.segments[index])
    }

    /// Notes what became of the events of `segment`, and makes room for those from `first` on.
    fn settle(&self, segment: &mut Segment, first: u64) {
        let mut settled = lock(&self.settled);
        for known in segment.events.drain(..).flatten() {
            settled.take_in(&known);
        }
        segment.first = first;
        segment.events.resize(usize::try_from(SEGMENT).unwrap_or(usize::MAX), None);
    }
}

impl Segment {
    fn known(&mut self, seq: u64) -> Option<&mut Known> {
        let index = usize::try_from(seq.checked_sub(self.first)?).ok()?;
        self.events.get_mut(index)?.as_mut()
    }

    fn put(&mut self, known: Known) {
        let index = usize::try_from(known.summary.seq - self.first).unwrap_or(usize::MAX);
        if let Some(place) = self.events.get_mut(index) {
            *place = Some(known);
        }
    }
}

impl Known {
    fn see(&mut self, at_us: u64) {
        self.same += 1;
        self.last_at = self.last_at.max(at_us);
    }
}

impl Settled {
    fn take_in(&mut self, known: &Known) {
        if known.same > 1 {
            self.skew.record_us(known.last_at - known.first_at);
        }
        if known.different == 0 {
            return;
        }
        // The majority is right.
        let (wrong, member) = if known.different > known.same {
            (known.same, known.first_member)
        } else {
            (known.different, known.different_member)
        };
        self.different += wrong;
        if self.offenders.len() < MOST_OFFENDERS {
            let offence = Offence::Different(known.summary.seq);
            self.offenders.push(Offender { member, offence });
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A member that panicked has left at most one event unfinished, and its failure is counted.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(seq: u64) -> Summary {
        Summary { seq, ms: 0, kind: Kind::Other }
    }

    /// Lets `member` get `line` as the event `seq`.
    fn get(comparison: &Comparison, member: u64, seq: u64, line: &str, at: u64) {
        let print = LinePrint::of(line.as_bytes());
        if comparison.recognise(seq, print, at).is_none() {
            comparison.meet(summary(seq), line.as_bytes(), at, member, true);
        }
    }

    #[test]
    fn skew_is_the_time_from_the_first_to_the_last() {
        let comparison = Comparison::default();
        for (member, at) in [(1, 1000), (2, 1900), (3, 1500)] {
            get(&comparison, member, 7, "seven", at);
        }
        get(&comparison, 1, 8, "eight", 5000);
        let settled = comparison.settled();
        let skew = settled.skew.percentiles().unwrap();
        assert_eq!((skew.p50, skew.max), (900, 900), "one alone has no skew");
        assert_eq!((settled.different, comparison.head()), (0, 8));
    }

    #[test]
    fn whoever_gets_something_else_than_most_is_named() {
        let comparison = Comparison::default();
        for (member, line) in [(1, "wrong"), (2, "right"), (3, "right"), (4, "right")] {
            get(&comparison, member, 3, line, 10);
        }
        for (member, line) in [(1, "right"), (2, "right"), (3, "wrong")] {
            get(&comparison, member, 4, line, 10);
        }
        let settled = comparison.settled();
        let named: Vec<_> =
            settled.offenders.iter().map(|found| (found.member, found.offence)).collect();
        assert_eq!(named, [(1, Offence::Different(3)), (3, Offence::Different(4))]);
        assert_eq!(settled.different, 2);
    }

    #[test]
    fn what_is_far_behind_is_not_compared_and_nothing_grows() {
        let comparison = Comparison::default();
        let far = SEGMENT * SEGMENTS as u64;
        get(&comparison, 1, 5, "five", 10);
        get(&comparison, 2, 5, "five", 30);
        get(&comparison, 1, 5 + far, "later", 50);
        get(&comparison, 3, 5, "late and wrong", 60);
        let settled = comparison.settled();
        assert_eq!(settled.skew.percentiles().unwrap().max, 20);
        assert_eq!(settled.different, 0);
        assert_eq!(comparison.head(), 5 + far);
    }

    #[test]
    fn an_event_is_read_once_and_recognised_by_all_others() {
        let comparison = Comparison::default();
        let print = LinePrint::of(b"bye");
        assert_eq!(comparison.recognise(9, print, 1), None);
        let bye = Summary { seq: 9, ms: 5, kind: Kind::Bye };
        comparison.meet(bye, b"bye", 1, 1, true);
        assert_eq!(comparison.recognise(9, print, 2), Some(bye));
        assert_eq!(comparison.recognise(9, LinePrint::of(b"by"), 3), None);
        assert!(!comparison.may_be(9, b"by") && comparison.may_be(10, b"bye"));
    }

    #[test]
    fn the_order_of_fields_does_not_matter() {
        let comparison = Comparison::default();
        get(&comparison, 1, 3, r#"{"seq":3,"ms":5}"#, 10);
        get(&comparison, 2, 3, r#"{"ms":5,"seq":3}"#, 20);
        get(&comparison, 3, 3, r#"{"ms":6,"seq":3}"#, 30);
        let settled = comparison.settled();
        assert_eq!((settled.different, settled.offenders[0].member), (1, 3));
    }

    #[test]
    fn one_bye_alone_does_not_end_the_game() {
        let comparison = Comparison::default();
        assert!(!comparison.confirms_end(7));
        assert!(!comparison.confirms_end(9));
        assert!(comparison.confirms_end(7));
    }

    #[test]
    fn there_is_one_game() {
        let comparison = Comparison::default();
        assert!(comparison.is_same_game(&GameId("a".into())));
        assert!(!comparison.is_same_game(&GameId("b".into())));
        assert!(comparison.is_same_game(&GameId("a".into())));
    }
}

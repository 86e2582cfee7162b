use std::collections::{BTreeMap, VecDeque};

use tribune_protocol::{Event, EventKind, Exit, State, Turn};

use super::{
    fingerprint::Fingerprint,
    recent_events::{RecentEvents, changes},
    tally::ObservedViolation,
    violation::Violation,
};

/// The most events that are kept until an earlier one arrives. Beyond it, that one is lost, and the
/// check starts again with the next state.
const MAX_EARLY: usize = 1024;

/// The most changes in turns that are kept in such events.
const MAX_EARLY_CHANGES: usize = 1 << 20;

/// The most states that are kept until the events before them arrive. Further ones are not checked.
const MAX_PENDING: usize = 4;

/// The most fingerprints of correct states that are kept.
const MAX_CORRECT: usize = 64;

/// The longest label of a program, in bytes, that is kept.
const MAX_LABEL: usize = 1024;

/// Checks that the states which the server sends to clients agree with its events: a state plus the
/// events after it must be the state that any other client receives later.
///
/// An event of an unknown type may change the state in any way, so no states are compared across it: the
/// check starts again with the next state.
///
/// It keeps one state, the first that arrived, and applies every event to it once. It compares each
/// *different* state line, so a rush of clients that receive the same line costs one comparison. All
/// that it keeps is bounded in number and size, whatever a faulty server sends.
#[derive(Debug, Default)]
pub struct StateCheck {
    /// The state after all events applied so far.
    reference: Option<State>,
    /// The last events applied. A state that is older is not checked.
    recent: RecentEvents,
    /// Events that arrived before their predecessors.
    early: BTreeMap<u64, Event>,
    /// How many changes the turns among those contain.
    early_changes: usize,
    /// States of events that have not been applied yet.
    pending: Vec<ReceivedState>,
    correct: VecDeque<(u64, Fingerprint)>,
}

/// A state that a client received.
#[derive(Clone, Debug)]
struct ReceivedState {
    client: u64,
    state: State,
    fingerprint: Fingerprint,
}

/// Why the reference is no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Invalid {
    /// This event contradicts it.
    Contradiction(u64),
    /// It became too large.
    TooLarge,
}

impl StateCheck {
    /// Applies `event`, which `client` received, and no other client before. Returns the wrong states among
    /// those that waited for it, and whether an event contradicts the state.
    pub fn apply(&mut self, client: u64, event: Event) -> Vec<ObservedViolation> {
        let Some(reference) = &self.reference else { return Vec::new() };
        if event.seq <= reference.seq {
            return Vec::new();
        }
        let advanced = match compact(event) {
            Some(event) => {
                self.early_changes += changes(&event);
                let replaced = self.early.insert(event.seq.0, event);
                self.early_changes -= replaced.as_ref().map_or(0, changes);
                self.advance()
            }
            None => Err(Invalid::TooLarge),
        };
        let has_too_many = self.early.len() > MAX_EARLY || self.early_changes > MAX_EARLY_CHANGES;
        if advanced.is_err() || has_too_many {
            *self = Self::default();
        }
        if let Err(Invalid::Contradiction(seq)) = advanced {
            return vec![ObservedViolation { client, violation: Violation::Contradiction(seq) }];
        }
        self.check_pending()
    }

    /// Checks `state`, which `client` received as a line with this `fingerprint`. A state that is ahead
    /// of the events is checked later, by [`apply`](Self::apply).
    pub fn check(
        &mut self,
        client: u64,
        state: &State,
        fingerprint: Fingerprint,
    ) -> Option<ObservedViolation> {
        let key = (state.seq.0, fingerprint);
        if self.correct.contains(&key) {
            return None;
        }
        let Some(reference) = &self.reference else {
            self.reference = Some(state.clone());
            self.add_correct(key);
            return None;
        };
        let received = ReceivedState { client, state: state.clone(), fingerprint };
        if state.seq > reference.seq {
            let is_known = |other: &ReceivedState| (other.state.seq.0, other.fingerprint) == key;
            if self.pending.len() < MAX_PENDING && !self.pending.iter().any(is_known) {
                self.pending.push(received);
            }
            return None;
        }
        self.compare(received)
    }

    /// Applies the events that are next.
    fn advance(&mut self) -> Result<(), Invalid> {
        let Some(reference) = &mut self.reference else { return Ok(()) };
        while let Some(event) = self.early.remove(&reference.seq.next().0) {
            self.early_changes -= changes(&event);
            if reference.apply(&event).is_err() {
                return Err(Invalid::Contradiction(event.seq.0));
            }
            if reference.is_too_large() {
                return Err(Invalid::TooLarge);
            }
            self.recent.push(event);
        }
        Ok(())
    }

    fn check_pending(&mut self) -> Vec<ObservedViolation> {
        let Some(seq) = self.reference.as_ref().map(|reference| reference.seq) else {
            return Vec::new();
        };
        let ready: Vec<_> =
            self.pending.extract_if(.., |received| received.state.seq <= seq).collect();
        ready.into_iter().filter_map(|received| self.compare(received)).collect()
    }

    /// Brings the received state up to the reference, and compares the two.
    fn compare(&mut self, received: ReceivedState) -> Option<ObservedViolation> {
        let reference = self.reference.as_ref()?;
        let ReceivedState { client, mut state, fingerprint } = received;
        let seq = state.seq;
        let follows = self.recent.bring_up_to_date(&mut state, reference.seq)?;
        // A state has the time of the game, and not of its last event.
        state.ms = reference.ms;
        if follows && state == *reference {
            self.add_correct((seq.0, fingerprint));
            return None;
        }
        Some(ObservedViolation { client, violation: Violation::WrongState(seq.0) })
    }

    fn add_correct(&mut self, key: (u64, Fingerprint)) {
        self.correct.push_back(key);
        if self.correct.len() > MAX_CORRECT {
            self.correct.pop_front();
        }
    }
}

/// `event` without what does not matter to a state; `None` if it is too large to be kept, or if its effect
/// on a state is unknown.
fn compact(event: Event) -> Option<Event> {
    let kind = match event.kind {
        EventKind::Started { label, .. } if label.len() > MAX_LABEL => return None,
        EventKind::Started { worker, label, .. } => {
            EventKind::Started { worker, label, command: Vec::new() }
        }
        EventKind::Exited { worker, running, .. } => {
            let exit = Exit::Code { code: 0 };
            EventKind::Exited { worker, label: String::new(), exit, running }
        }
        EventKind::Left { player, name, from, .. } => {
            EventKind::Left { player, name, from, reason: String::new() }
        }
        // Like `bye`, it has no effect on a state.
        EventKind::Output { .. }
        | EventKind::Result { .. }
        | EventKind::Paused { .. }
        | EventKind::Continued { .. }
        | EventKind::Bye { .. } => EventKind::Bye { reason: String::new() },
        EventKind::Turn(turn) => {
            let out = turn.out.into_iter().map(|(player, _)| (player, String::new()));
            EventKind::Turn(Turn { out: out.collect(), notes: Vec::new(), ..turn })
        }
        EventKind::Unknown => return None,
        kind @ (EventKind::Clock { .. }
        | EventKind::Joined { .. }
        | EventKind::Move { .. }
        | EventKind::Action { .. }
        | EventKind::Round { .. }) => kind,
    };
    Some(Event { kind, ..event })
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{
        BoardSize, CellContent, EventKind, Glyph, OutputStream, PlayerId, Seq, WorkerId,
    };

    use super::*;

    fn state(seq: u64, clock: u64) -> State {
        let board = BoardSize { width: 4, height: 4 };
        State { ms: 7 * seq, clock, ..State::new(Seq(seq), board) }
    }

    fn tick(seq: u64) -> Event {
        Event { seq: Seq(seq), ms: 10 * seq, kind: EventKind::Clock { clock: seq } }
    }

    fn wrong(client: u64, seq: u64) -> ObservedViolation {
        ObservedViolation { client, violation: Violation::WrongState(seq) }
    }

    /// Checks `state`, with a fingerprint of its content.
    fn check(checks: &mut StateCheck, client: u64, state: &State) -> Option<ObservedViolation> {
        let fingerprint = Fingerprint::of(format!("{state:?}").as_bytes());
        checks.check(client, state, fingerprint)
    }

    #[test]
    fn accepts_states_that_agree_with_the_events() {
        let mut checks = StateCheck::default();
        assert_eq!(check(&mut checks, 1, &state(0, 0)), None);
        for seq in 1..=9 {
            assert_eq!(checks.apply(1, tick(seq)), []);
        }
        for seq in [9, 4, 1] {
            assert_eq!(check(&mut checks, 2, &state(seq, seq)), None);
        }
    }

    #[test]
    fn rejects_states_that_contradict_the_events() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        for seq in 1..=9 {
            checks.apply(1, tick(seq));
        }
        assert_eq!(check(&mut checks, 2, &state(9, 8)), Some(wrong(2, 9)));
        let mut more = state(4, 4);
        more.workers.push(tribune_protocol::WorkerState { id: WorkerId(1), label: "x".into() });
        assert_eq!(check(&mut checks, 3, &more), Some(wrong(3, 4)));
        let mut other = state(0, 0);
        other.board.width = 5;
        assert_eq!(check(&mut checks, 4, &other), Some(wrong(4, 0)));
    }

    #[test]
    fn checks_states_ahead_of_the_events_when_those_arrive() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        assert_eq!(check(&mut checks, 2, &state(3, 2)), None);
        assert_eq!(check(&mut checks, 3, &state(3, 3)), None);
        assert_eq!(checks.apply(1, tick(1)), []);
        assert_eq!(checks.apply(1, tick(3)), [], "event 2 is still missing");
        assert_eq!(checks.apply(1, tick(2)), [wrong(2, 3)]);
    }

    #[test]
    fn starts_again_after_a_lost_event() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        for seq in 2..3 + MAX_EARLY as u64 {
            checks.apply(1, tick(seq));
        }
        assert!(checks.reference.is_none() && checks.early.is_empty());
        assert_eq!(check(&mut checks, 2, &state(5000, 5000)), None);
        checks.apply(1, tick(5001));
        assert!(check(&mut checks, 3, &state(5001, 5000)).is_some());
    }

    #[test]
    fn starts_again_after_an_event_that_is_too_large() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        let label = "x".repeat(MAX_LABEL + 1);
        let kind = EventKind::Started { worker: WorkerId(1), label, command: vec![] };
        checks.apply(1, Event { kind, ..tick(1) });
        assert!(checks.reference.is_none() && checks.early.is_empty());
    }

    #[test]
    fn keeps_a_bounded_number_of_everything() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        for seq in 1..10_000 {
            checks.apply(1, tick(seq));
            check(&mut checks, 1, &state(seq, seq));
            check(&mut checks, 1, &state(seq + 100_000, 0));
        }
        assert!(checks.correct.len() <= MAX_CORRECT && checks.pending.len() <= MAX_PENDING);
        assert_eq!(check(&mut checks, 2, &state(1, 5)), None, "too old to be checked");
    }

    #[test]
    fn compares_no_states_across_an_unknown_event() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        assert_eq!(check(&mut checks, 2, &state(1, 7)), None, "it is ahead of the events");
        assert_eq!(checks.apply(1, Event { kind: EventKind::Unknown, ..tick(1) }), []);
        assert_eq!(check(&mut checks, 3, &state(1, 7)), None, "the new reference");
        assert_eq!(check(&mut checks, 4, &state(0, 5)), None, "before the reference");
        checks.apply(1, tick(2));
        assert_eq!(check(&mut checks, 5, &state(2, 7)), Some(wrong(5, 2)));
    }

    #[test]
    fn compares_states_across_an_output() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        let (worker, stream) = (WorkerId(1), OutputStream::Stdout);
        let kind =
            EventKind::Output { worker, stream, line: "x".into(), cut: false, refused: None };
        checks.apply(1, Event { kind, ..tick(1) });
        assert_eq!(check(&mut checks, 2, &state(1, 0)), None);
        assert_eq!(check(&mut checks, 3, &state(1, 7)), Some(wrong(3, 1)));
    }

    fn turn(seq: u64, turn: Turn) -> Event {
        Event { kind: EventKind::Turn(turn), ..tick(seq) }
    }

    fn drawn(x: u16) -> CellContent {
        CellContent { x, y: 0, glyph: Glyph::new('a'), player: PlayerId(0) }
    }

    #[test]
    fn compares_the_cells_of_states_with_those_of_turns() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        checks.apply(1, turn(1, Turn { turn: 4, cells: vec![drawn(1)], ..Turn::default() }));
        let mut later = State { turn: Some(4), ..state(1, 0) };
        assert_eq!(check(&mut checks, 2, &later), Some(wrong(2, 1)), "the cell is missing");
        later.cells.set(drawn(1));
        assert_eq!(check(&mut checks, 3, &later), None);
        assert_eq!(check(&mut checks, 4, &state(0, 0)), None);
    }

    #[test]
    fn reports_a_turn_that_contradicts_the_state() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        let scores = vec![(PlayerId(9), 1)];
        let found = checks.apply(2, turn(1, Turn { turn: 4, scores, ..Turn::default() }));
        let violation = Violation::Contradiction(1);
        assert_eq!(found, [ObservedViolation { client: 2, violation }]);
        assert_eq!(check(&mut checks, 3, &state(1, 7)), None, "it is the new reference");
    }

    #[test]
    fn starts_again_after_too_many_changes_in_early_turns() {
        let mut checks = StateCheck::default();
        check(&mut checks, 1, &state(0, 0));
        let cells = vec![drawn(1); MAX_EARLY_CHANGES / 2 + 1];
        checks.apply(1, turn(2, Turn { turn: 1, cells: cells.clone(), ..Turn::default() }));
        assert!(checks.reference.is_some());
        checks.apply(1, turn(3, Turn { turn: 2, cells, ..Turn::default() }));
        assert!(checks.reference.is_none() && checks.early.is_empty());
    }
}

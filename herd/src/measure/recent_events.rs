use std::collections::VecDeque;

use tribune_protocol::{Event, EventKind, Seq, State};

/// The most recent events that are kept.
const MAX_EVENTS: usize = 4096;

/// The most changes in turns that are kept: each takes some 24 bytes.
const MAX_CHANGES: usize = 1 << 20;

/// The events up to the last one applied, as many as are kept.
#[derive(Debug, Default)]
pub(super) struct RecentEvents {
    events: VecDeque<Event>,
    /// How many changes the turns among them contain.
    changes: usize,
}

impl RecentEvents {
    /// Adds the next event. The oldest ones are dropped if there are too many then.
    pub(super) fn push(&mut self, event: Event) {
        self.changes += changes(&event);
        self.events.push_back(event);
        while self.events.len() > MAX_EVENTS || self.changes > MAX_CHANGES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.changes -= changes(&oldest);
        }
    }

    /// Brings `state` up to `last`, the last event added. Returns whether all events since follow from it;
    /// `None` if not all of them are kept.
    pub(super) fn bring_up_to_date(&self, state: &mut State, last: Seq) -> Option<bool> {
        let seq = state.seq;
        let oldest = self.events.front().map_or(last.next(), |event| event.seq);
        if seq.next() < oldest {
            return None;
        }
        let mut since = self.events.iter().skip_while(|event| event.seq <= seq);
        Some(since.all(|event| state.apply(event).is_ok()))
    }
}

/// How many changes `event` contains, if it is a turn.
pub(super) fn changes(event: &Event) -> usize {
    match &event.kind {
        EventKind::Turn(turn) => turn.cells.len() + turn.scores.len() + turn.out.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{BoardSize, CellContent, Glyph, PlayerId, Turn};

    use super::*;

    fn turn(seq: u64, cells: usize) -> Event {
        let cell = CellContent { x: 1, y: 0, glyph: Glyph::new('a'), player: PlayerId(0) };
        let turn = Turn { turn: seq, cells: vec![cell; cells], ..Turn::default() };
        Event { seq: Seq(seq), ms: 0, kind: EventKind::Turn(turn) }
    }

    fn state(seq: u64) -> State {
        State::new(Seq(seq), BoardSize { width: 4, height: 4 })
    }

    #[test]
    fn brings_states_up_to_the_last_event() {
        let mut recent = RecentEvents::default();
        (3..=9).for_each(|seq| recent.push(turn(seq, 1)));
        for (seq, want) in [(1, None), (2, Some(true)), (9, Some(true))] {
            let mut state = state(seq);
            assert_eq!(recent.bring_up_to_date(&mut state, Seq(9)), want);
            assert_eq!(state.turn.is_some(), seq == 2);
        }
    }

    #[test]
    fn keeps_a_bounded_number_of_events_and_changes() {
        let mut recent = RecentEvents::default();
        (1..=2 * MAX_EVENTS as u64).for_each(|seq| recent.push(turn(seq, 1)));
        assert_eq!((recent.events.len(), recent.changes), (MAX_EVENTS, MAX_EVENTS));
        recent.push(turn(9000, MAX_CHANGES - 10));
        assert_eq!((recent.events.len(), recent.changes), (11, MAX_CHANGES));
        recent.push(turn(9001, MAX_CHANGES + 1));
        assert_eq!((recent.events.len(), recent.changes), (0, 0));
    }
}

use tribune_protocol::{ApplyError, Event, EventKind, GameId, Seq, State};

use crate::track_error::TrackError;

/// The position in the stream of a game, and the state of the game there.
#[derive(Clone, Debug)]
pub struct Position {
    game: GameId,
    /// The last event.
    seq: Seq,
    /// The state after it; `None` if it is not known. The labels of programs are left out, as a faulty
    /// server could fill the memory with them.
    state: Option<State>,
}

impl Position {
    /// The position in `game` after the last event of `state`.
    pub fn new(game: GameId, mut state: State) -> Self {
        for worker in &mut state.workers {
            worker.label = String::new();
        }
        Self { game, seq: state.seq, state: Some(state) }
    }

    /// The game.
    pub fn game(&self) -> &GameId {
        &self.game
    }

    /// The last event.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Continues after `event`. Returns how it contradicts the state of the game, if it does. Then, and
    /// after an event of an unknown type, the state is not known, and further events are not checked; nor
    /// are they if the state is too large to be kept.
    ///
    /// # Errors
    /// If it is not the next event. The position is unchanged then.
    pub fn advance(&mut self, event: &Event) -> Result<Option<ApplyError>, TrackError> {
        if !event.seq.follows(self.seq) {
            return Err(TrackError::Gap { got: event.seq, expected: self.seq.next() });
        }
        self.seq = event.seq;
        let Some(state) = &mut self.state else { return Ok(None) };
        let contradiction = apply(state, event).err();
        // An event of an unknown type may change the state in any way.
        if contradiction.is_some() || event.kind == EventKind::Unknown || state.is_too_large() {
            self.state = None;
        }
        Ok(contradiction)
    }
}

/// Applies `event` without the label that it may have.
fn apply(state: &mut State, event: &Event) -> Result<(), ApplyError> {
    match event.kind {
        EventKind::Started { worker, .. } => {
            let kind = EventKind::Started { worker, label: String::new(), command: Vec::new() };
            state.apply(&Event { kind, ..*event })
        }
        _ => state.apply(event),
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{BoardSize, MAX_CELLS, MAX_PLAYERS, PlayerId, ServerLine};

    use super::*;

    fn start() -> Position {
        let board = BoardSize { width: 1, height: 1 };
        let state = State::new(Seq(0), board);
        Position::new(GameId("g".into()), state)
    }

    fn advance(position: &mut Position, line: &str) -> Result<Option<ApplyError>, TrackError> {
        let Ok(ServerLine::Event(event)) = ServerLine::parse(line.as_bytes()) else {
            panic!("{line} is not an event")
        };
        position.advance(&event)
    }

    fn left(seq: u64) -> String {
        format!(
            r#"{{"type":"left","seq":{seq},"ms":0,"player":9,"name":"ann","from":"tcp#1","reason":"x"}}"#
        )
    }

    #[test]
    fn reports_the_first_contradiction_and_continues() {
        let mut position = start();
        let unknown = ApplyError::UnknownPlayer(PlayerId(9));
        assert_eq!(advance(&mut position, &left(1)), Ok(Some(unknown)));
        assert_eq!(advance(&mut position, &left(2)), Ok(None));
        assert_eq!(position.seq(), Seq(2));
        let gap = TrackError::Gap { got: Seq(4), expected: Seq(3) };
        assert_eq!(advance(&mut position, &left(4)), Err(gap));
        assert_eq!(position.seq(), Seq(2));
    }

    #[test]
    fn nothing_contradicts_the_state_after_an_unknown_event() {
        let mut position = start();
        // It may have added the player.
        assert_eq!(advance(&mut position, r#"{"type":"spawned","seq":1,"ms":0}"#), Ok(None));
        assert_eq!(advance(&mut position, &left(2)), Ok(None));
    }

    #[test]
    fn the_state_has_a_bounded_size() {
        let mut position = start();
        let most = MAX_PLAYERS as u64;
        let mut join = |seq: u64| {
            let joined = format!(
                r#"{{"type":"joined","seq":{seq},"ms":0,"player":{seq},"name":"ann","from":"tcp#1","x":0,"y":0}}"#
            );
            advance(&mut position, &joined)
        };
        assert!((1..=most).all(|seq| join(seq) == Ok(None)));
        assert_eq!(join(most + 1), Ok(None), "it is shown nevertheless");
        assert!(position.state.is_none());
    }

    #[test]
    fn cells_of_a_faulty_server_do_not_fill_the_memory() {
        let mut position = start();
        let mut turn = |seq: u64, cells: std::ops::Range<usize>| {
            let cell = |n| format!(r#"[{},{},"a",0]"#, n / 60_000, n % 60_000);
            let cells = cells.map(cell).collect::<Vec<_>>().join(",");
            let turn =
                format!(r#"{{"type":"turn","seq":{seq},"ms":0,"turn":{seq},"cells":[{cells}]}}"#);
            advance(&mut position, &turn)
        };
        assert_eq!(turn(1, 0..MAX_CELLS), Ok(None));
        assert_eq!(turn(2, 0..MAX_CELLS), Ok(None));
        assert!(turn(3, MAX_CELLS..MAX_CELLS + 1) == Ok(None), "it is shown nevertheless");
        assert!(position.state.is_none());
    }

    #[test]
    fn a_turn_that_contradicts_the_state_is_reported_once() {
        let mut position = start();
        let unknown = ApplyError::UnknownPlayer(PlayerId(9));
        let turn =
            |seq: u64| format!(r#"{{"type":"turn","seq":{seq},"ms":0,"turn":5,"scores":[[9,1]]}}"#);
        assert_eq!(advance(&mut position, &turn(1)), Ok(Some(unknown)));
        assert_eq!(advance(&mut position, &turn(2)), Ok(None));
    }

    #[test]
    fn labels_of_programs_are_not_kept() {
        let mut position = start();
        let started =
            r#"{"type":"started","seq":1,"ms":0,"worker":1,"label":"ps#1","command":["x"]}"#;
        assert_eq!(advance(&mut position, started), Ok(None));
        let state = position.state.unwrap();
        let again = Position::new(position.game, state.clone());
        for state in [state, again.state.unwrap()] {
            let labels: Vec<_> = state.workers.iter().map(|worker| worker.label.as_str()).collect();
            assert_eq!(labels, [""]);
        }
    }
}

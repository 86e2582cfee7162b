use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::{
    BoardSize, Cells, Event, EventKind, MAX_CELLS, MAX_PLAYERS, MAX_PROGRAMS, Name, Origin,
    PlayerId, Seq, Turn, WorkerId,
};

/// The state of a game after the event `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The last event it includes.
    pub seq: Seq,
    /// Milliseconds since the game began.
    pub ms: u64,
    /// Ticks since the game began.
    pub clock: u64,
    /// The last turn; `None` if the rules have no turns, and players neither scores nor lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
    /// The board.
    pub board: BoardSize,
    /// The cells that are not empty.
    #[serde(default, skip_serializing_if = "Cells::is_empty")]
    pub cells: Cells,
    /// The players in the game, in the order they joined: sorted by their ids.
    #[serde(deserialize_with = "sorted_players")]
    pub players: Vec<PlayerState>,
    /// The running programs, in the order they started: sorted by their ids.
    #[serde(deserialize_with = "sorted_workers")]
    pub workers: Vec<WorkerState>,
}

/// A player within a [`State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlayerState {
    /// Its id.
    pub id: PlayerId,
    /// Its name.
    pub name: Name,
    /// Where its moves come from.
    pub from: Origin,
    /// Cells from the western edge.
    pub x: u16,
    /// Cells from the northern edge.
    pub y: u16,
    /// How many moves it has made.
    pub moves: u64,
    /// Its score; `None` if the rules have no turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i64>,
    /// Whether it takes part in the round, or is out; `None` if the rules have no turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alive: Option<bool>,
}

/// A running program within a [`State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerState {
    /// Its id.
    pub id: WorkerId,
    /// Its label for people, as in `ps#1 (predef 1)`.
    pub label: String,
}

/// An event that does not follow from a [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// It is not the next event.
    #[error("event {got} does not follow event {after}")]
    OutOfOrder {
        /// The event.
        got: Seq,
        /// The last event that the state includes.
        after: Seq,
    },
    /// It is about a player that is not in the game.
    #[error("player {0} is not in the game")]
    UnknownPlayer(PlayerId),
    /// It adds a player that is in the game already.
    #[error("player {0} is in the game already")]
    DuplicatePlayer(PlayerId),
    /// It adds a program that runs already.
    #[error("program ps#{0} runs already")]
    DuplicateProgram(WorkerId),
}

impl State {
    /// The state of a game after the event `seq`, without players, programs or turns.
    pub fn new(seq: Seq, board: BoardSize) -> Self {
        Self {
            seq,
            ms: 0,
            clock: 0,
            turn: None,
            board,
            cells: Cells::default(),
            players: Vec::new(),
            workers: Vec::new(),
        }
    }

    /// Applies `event` to the state.
    ///
    /// # Errors
    /// If `event` does not follow from the state, which is unchanged then.
    pub fn apply(&mut self, event: &Event) -> Result<(), ApplyError> {
        if !event.seq.follows(self.seq) {
            return Err(ApplyError::OutOfOrder { got: event.seq, after: self.seq });
        }
        self.apply_kind(&event.kind)?;
        self.seq = event.seq;
        self.ms = event.ms;
        Ok(())
    }

    /// The player `id`, if it is in the game.
    pub fn player(&self, id: PlayerId) -> Option<&PlayerState> {
        Some(&self.players[self.index_of(id).ok()?])
    }

    /// Whether it has more players, programs or cells than the state of any game can have: a faulty server
    /// could otherwise fill the memory of a client that keeps the state.
    pub fn is_too_large(&self) -> bool {
        self.players.len() > MAX_PLAYERS
            || self.workers.len() > MAX_PROGRAMS
            || self.cells.len() > MAX_CELLS
    }

    fn apply_kind(&mut self, kind: &EventKind) -> Result<(), ApplyError> {
        match kind {
            EventKind::Clock { clock } => self.clock = *clock,
            EventKind::Started { worker, label, .. } => self.start(*worker, label)?,
            EventKind::Exited { worker, .. } => {
                // A program that could not be started exits without having run.
                self.workers.retain(|running| running.id != *worker);
            }
            EventKind::Joined { player, name, from, x, y } => {
                let Err(index) = self.index_of(*player) else {
                    return Err(ApplyError::DuplicatePlayer(*player));
                };
                let joined = PlayerState {
                    id: *player,
                    name: name.clone(),
                    from: *from,
                    x: *x,
                    y: *y,
                    moves: 0,
                    score: self.turn.map(|_| 0),
                    alive: self.turn.map(|_| true),
                };
                self.players.insert(index, joined);
            }
            EventKind::Move { player, x, y, .. } => {
                let moved = self.acted(*player)?;
                (moved.x, moved.y) = (*x, *y);
            }
            EventKind::Action { player, .. } => {
                self.acted(*player)?;
            }
            EventKind::Turn(turn) => self.take_turn(turn)?,
            EventKind::Round { .. } => self.begin_round(),
            EventKind::Left { player, .. } => {
                let index = self.known(*player)?;
                self.players.remove(index);
            }
            EventKind::Output { .. }
            | EventKind::Result { .. }
            | EventKind::Paused { .. }
            | EventKind::Continued { .. }
            | EventKind::Bye { .. }
            | EventKind::Unknown => {}
        }
        Ok(())
    }

    /// Counts an action of `player`, which brings a player back that was out.
    fn acted(&mut self, player: PlayerId) -> Result<&mut PlayerState, ApplyError> {
        let index = self.known(player)?;
        let player = &mut self.players[index];
        // A peer may send the greatest number.
        player.moves = player.moves.saturating_add(1);
        player.alive = player.alive.map(|_| true);
        Ok(player)
    }

    fn take_turn(&mut self, turn: &Turn) -> Result<(), ApplyError> {
        let scores = turn.scores.iter().map(|&(player, _)| player);
        for player in scores.chain(turn.out.iter().map(|&(player, _)| player)) {
            self.known(player)?;
        }
        self.turn = Some(turn.turn);
        for &content in &turn.cells {
            self.cells.set(content);
        }
        for &(player, score) in &turn.scores {
            let index = self.known(player)?;
            self.players[index].score = Some(score);
        }
        for &(player, _) in &turn.out {
            let index = self.known(player)?;
            self.players[index].alive = Some(false);
        }
        Ok(())
    }

    fn begin_round(&mut self) {
        self.cells.clear();
        for player in &mut self.players {
            player.score = player.score.map(|_| 0);
            player.alive = player.alive.map(|_| true);
        }
    }

    fn start(&mut self, id: WorkerId, label: &str) -> Result<(), ApplyError> {
        let Err(index) = self.workers.binary_search_by_key(&id, |running| running.id) else {
            return Err(ApplyError::DuplicateProgram(id));
        };
        self.workers.insert(index, WorkerState { id, label: label.to_owned() });
        Ok(())
    }

    fn known(&self, player: PlayerId) -> Result<usize, ApplyError> {
        self.index_of(player).map_err(|_| ApplyError::UnknownPlayer(player))
    }

    /// Where the player `id` is among the players, or where it would be.
    fn index_of(&self, id: PlayerId) -> Result<usize, usize> {
        self.players.binary_search_by_key(&id, |player| player.id)
    }
}

// A correct server sends both lists sorted. Sorting them again costs one pass, and a lookup never depends
// on what a peer sends.

fn sorted_players<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<PlayerState>, D::Error> {
    let mut players = Vec::<PlayerState>::deserialize(input)?;
    players.sort_by_key(|player| player.id);
    Ok(players)
}

fn sorted_workers<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<WorkerState>, D::Error> {
    let mut workers = Vec::<WorkerState>::deserialize(input)?;
    workers.sort_by_key(|worker| worker.id);
    Ok(workers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellContent, ConnectionId, Direction, Glyph, MAX_SERVER_LINE, OriginKind};

    #[test]
    fn the_longest_state_is_shorter_than_the_longest_line() {
        let longest_kind = OriginKind::new(&"x".repeat(OriginKind::MAX_LENGTH)).unwrap();
        // Four bytes each in UTF-8.
        let name: Name = "𠀀".repeat(32).parse().unwrap();
        let player = PlayerState {
            id: PlayerId(u64::MAX),
            name,
            from: Origin::connection(longest_kind, ConnectionId(u64::MAX)),
            x: u16::MAX,
            y: u16::MAX,
            moves: u64::MAX,
            score: Some(i64::MIN),
            alive: Some(false),
        };
        let length = serde_json::to_vec(&player).unwrap().len() + ",".len();
        assert!(length * MAX_PLAYERS <= MAX_SERVER_LINE / 8 * 5, "{length} bytes each");
        let glyph = Glyph::new('𠀀');
        let cell = CellContent { x: u16::MAX, y: u16::MAX, glyph, player: PlayerId(u64::MAX) };
        let length = serde_json::to_vec(&cell).unwrap().len() + ",".len();
        assert!(length * MAX_CELLS <= MAX_SERVER_LINE / 8, "{length} bytes each");
        // The rest is for the programs.
    }

    fn empty() -> State {
        let board = BoardSize { width: 4, height: 4 };
        State::new(Seq(7), board)
    }

    fn event(seq: u64, kind: EventKind) -> Event {
        Event { seq: Seq(seq), ms: 10 * seq, kind }
    }

    fn ann() -> (PlayerId, Name, Origin) {
        (PlayerId(3), "ann".parse().unwrap(), Origin::tcp(ConnectionId(1)))
    }

    fn joined() -> EventKind {
        let (player, name, from) = ann();
        EventKind::Joined { player, name, from, x: 1, y: 2 }
    }

    fn moved() -> EventKind {
        let (player, name, from) = ann();
        EventKind::Move { player, name, from, direction: Direction::East, x: 2, y: 2 }
    }

    fn left() -> EventKind {
        let (player, name, from) = ann();
        EventKind::Left { player, name, from, reason: "done".into() }
    }

    #[test]
    fn the_largest_state_has_as_many_of_everything_as_a_game_may_have() {
        let program = |id| WorkerState { id: WorkerId(id), label: String::new() };
        let mut state = empty();
        state.workers = (0..MAX_PROGRAMS as u64).map(program).collect();
        for y in 0..=u16::MAX {
            let row = usize::from(y) * 8;
            for x in (0..8).take(MAX_CELLS.saturating_sub(row)) {
                state.cells.set(CellContent { x, y, glyph: Glyph::new('a'), player: PlayerId(0) });
            }
        }
        assert_eq!(state.cells.len(), MAX_CELLS);
        assert!(!state.is_too_large());
        let mut more = state.clone();
        more.workers.push(program(u64::MAX));
        assert!(more.is_too_large());
        state.cells.set(CellContent { x: 9, y: 0, glyph: Glyph::new('a'), player: PlayerId(0) });
        assert!(state.is_too_large());
    }

    #[test]
    fn a_player_joins_moves_and_leaves() {
        let mut state = empty();
        state.apply(&event(8, joined())).unwrap();
        state.apply(&event(9, moved())).unwrap();
        let player = state.player(PlayerId(3)).unwrap();
        assert_eq!((player.x, player.y, player.moves), (2, 2, 1));
        assert_eq!((state.seq, state.ms), (Seq(9), 90));
        state.apply(&event(10, left())).unwrap();
        assert_eq!(state, State { seq: Seq(10), ms: 100, ..empty() });
    }

    #[test]
    fn an_event_that_does_not_follow_leaves_the_state_as_it_is() {
        let started =
            || EventKind::Started { worker: WorkerId(1), label: "x".into(), command: vec![] };
        let mut state = empty();
        state.apply(&event(8, joined())).unwrap();
        state.apply(&event(9, started())).unwrap();
        let before = state.clone();
        let unknown = EventKind::Left {
            player: PlayerId(4),
            name: "bob".parse().unwrap(),
            from: ann().2,
            reason: String::new(),
        };
        let cases = [
            (event(9, moved()), ApplyError::OutOfOrder { got: Seq(9), after: Seq(9) }),
            (event(11, moved()), ApplyError::OutOfOrder { got: Seq(11), after: Seq(9) }),
            (event(10, joined()), ApplyError::DuplicatePlayer(PlayerId(3))),
            (event(10, unknown), ApplyError::UnknownPlayer(PlayerId(4))),
            (event(10, started()), ApplyError::DuplicateProgram(WorkerId(1))),
        ];
        for (event, error) in cases {
            assert_eq!(state.apply(&event), Err(error));
            assert_eq!(state, before);
        }
    }

    #[test]
    fn no_event_follows_the_greatest_number() {
        let mut state = State { seq: Seq(u64::MAX), ..empty() };
        let error = ApplyError::OutOfOrder { got: Seq(u64::MAX), after: Seq(u64::MAX) };
        let again = Event { seq: Seq(u64::MAX), ms: 0, kind: EventKind::Clock { clock: 1 } };
        assert_eq!(state.apply(&again), Err(error));
        assert_eq!(state.clock, 0);
    }

    #[test]
    fn the_number_of_moves_does_not_overflow() {
        let mut state = empty();
        state.apply(&event(8, joined())).unwrap();
        state.players[0].moves = u64::MAX;
        state.apply(&event(9, moved())).unwrap();
        assert_eq!(state.players[0].moves, u64::MAX);
    }

    #[test]
    fn applies_events_to_a_state_that_arrived_unsorted() {
        let mut state: State = serde_json::from_str(
            r#"{"seq":8,"ms":0,"clock":0,"board":{"width":4,"height":4},
                "players":[{"id":9,"name":"bob","from":"tcp#1","x":0,"y":0,"moves":1},
                           {"id":3,"name":"ann","from":"tcp#1","x":0,"y":0,"moves":1}],
                "workers":[{"id":2,"label":"x"},{"id":1,"label":"x"}]}"#,
        )
        .unwrap();
        state.apply(&event(9, moved())).unwrap();
        assert_eq!(state.player(PlayerId(3)).map(|ann| (ann.x, ann.moves)), Some((2, 2)));
        let again = EventKind::Started { worker: WorkerId(2), label: "x".into(), command: vec![] };
        let error = ApplyError::DuplicateProgram(WorkerId(2));
        assert_eq!(state.apply(&event(10, again)), Err(error));
    }
}

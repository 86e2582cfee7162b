use std::{collections::BTreeMap, mem};

use rand::{SeedableRng, rngs::Xoshiro256PlusPlus, seq::IndexedRandom};
use tribune_protocol::{
    ControlMessage, Direction, ErrorCode, Event, EventKind, MAX_CELLS, Move, Name, Origin,
    PlayerId, PlayerState, ServerLine, State, Turn,
};

use super::{
    Skill,
    strategy::choose,
    view::{Position, View},
};

/// The time between two tries of a player that is out to return, in milliseconds.
const RETRY_MS: u64 = 1000;

/// A player of snake: takes the lines of a server, and gives moves.
///
/// It answers each turn, straight on included, so that a game in lockstep need not wait for it. By the clock
/// it can leave out what changes nothing.
#[derive(Debug)]
pub struct Bot {
    name: Name,
    skill: Skill,
    random: Xoshiro256PlusPlus,
    /// Whether it gives only moves that change its direction.
    only_changes: bool,
    /// The origin of its moves.
    you: Option<Origin>,
    state: Option<State>,
    /// The heads of all snakes that have moved since it began to read.
    heads: BTreeMap<PlayerId, Position>,
    /// The direction of its last step; `None` if it has not moved since it entered.
    heading: Option<Direction>,
    /// The last move that it gave.
    last: Direction,
    /// When that was, in milliseconds of the game.
    last_ms: u64,
    /// Whether the last move was repeated in this turn, because it was refused.
    has_repeated: bool,
}

impl Bot {
    /// A player of this name and skill. The same seed and lines give the same moves.
    pub fn new(name: Name, skill: Skill, seed: u64) -> Self {
        Self {
            name,
            skill,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            only_changes: false,
            you: None,
            state: None,
            heads: BTreeMap::new(),
            heading: None,
            last: Direction::North,
            last_ms: 0,
            has_repeated: false,
        }
    }

    /// The same player, which gives only moves that change its direction: for games by the clock.
    #[must_use]
    pub fn with_only_changes(self, only_changes: bool) -> Self {
        Self { only_changes, ..self }
    }

    /// Takes the next line of the server. Returns the move that the player makes then, if it makes one.
    pub fn read(&mut self, line: ServerLine) -> Option<Move> {
        let direction = match line {
            ServerLine::Control(control) => self.read_control(control),
            ServerLine::Event(event) => self.read_event(&event),
            ServerLine::Unknown => None,
        }?;
        self.last = direction;
        self.last_ms = self.state.as_ref().map_or(0, |state| state.ms);
        Some(Move { direction, name: self.name.clone() })
    }

    /// Whether the game has turns at all, as far as that is known.
    pub fn has_turns(&self) -> bool {
        self.state.as_ref().is_none_or(|state| state.turn.is_some())
    }

    fn read_control(&mut self, control: ControlMessage) -> Option<Direction> {
        match control {
            ControlMessage::Welcome(welcome) => {
                self.you = Some(welcome.you);
                None
            }
            ControlMessage::State(state) => {
                // A faulty server may send a board that no game with turns has.
                let is_valid = state.turn.is_none() || state.board.cells() <= MAX_CELLS;
                self.state = is_valid.then_some(state);
                self.heads.clear();
                self.heading = None;
                Some(self.any_direction())
            }
            ControlMessage::Error { code: ErrorCode::BadAction, .. } => {
                // In lockstep it may have been too late for the turn before, and this one waits for it.
                let repeats = self.is_alive() && !mem::replace(&mut self.has_repeated, true);
                repeats.then_some(self.last)
            }
            _ => None,
        }
    }

    fn read_event(&mut self, event: &Event) -> Option<Direction> {
        let was_alive = self.is_alive();
        // A faulty server may send an event that does not follow. Then the next state helps.
        self.state.as_mut()?.apply(event).ok()?;
        match &event.kind {
            EventKind::Turn(turn) => {
                self.follow(turn);
                self.has_repeated = false;
                if self.is_alive() { self.decide() } else { self.retry() }
            }
            EventKind::Round { .. } => {
                self.heads.clear();
                self.heading = None;
                // A player that was not out has answered the last turn of the round already.
                (!was_alive).then(|| self.any_direction())
            }
            _ if self.is_alive() => None,
            _ => self.retry(),
        }
    }

    /// Its own state, if it has joined.
    fn me(&self) -> Option<&PlayerState> {
        let players = &self.state.as_ref()?.players;
        players.iter().find(|player| Some(player.from) == self.you && player.name == self.name)
    }

    fn is_alive(&self) -> bool {
        self.me().is_some_and(|me| me.alive == Some(true))
    }

    /// Follows all heads: a turn draws at most one cell of each snake, which is its head.
    fn follow(&mut self, turn: &Turn) {
        let Some(me) = self.me().map(|me| me.id) else { return };
        let before = self.heads.get(&me).copied();
        let Some(board) = self.state.as_ref().map(|state| state.board) else { return };
        for cell in turn.cells.iter().filter(|cell| cell.player != PlayerId(0)) {
            // A faulty server may send cells that are not on the board.
            if board.contains((cell.x, cell.y)) {
                self.heads.insert(cell.player, (cell.x, cell.y));
            }
        }
        for (player, _) in &turn.out {
            self.heads.remove(player);
        }
        let Some(state) = &self.state else { return };
        self.heads.retain(|&player, _| state.player(player).is_some());
        let step = |direction| before.map(|before| board.neighbour(before, direction));
        match self.heads.get(&me).copied() {
            // A snake that exactly follows its own tail draws nothing.
            Some(head) if Some(head) == before => {
                self.heading = Some(self.last);
                self.heads.extend(step(self.last).map(|head| (me, head)));
            }
            Some(head) => {
                let mut ways = [self.last].into_iter().chain(Direction::ALL);
                self.heading = ways.find(|&way| step(way) == Some(head));
            }
            None => self.heading = None,
        }
    }

    fn decide(&mut self) -> Option<Direction> {
        let (state, me) = (self.state.as_ref()?, self.me()?.id);
        let Some(&head) = self.heads.get(&me) else {
            // It waits to enter, and any line will do.
            return (!self.only_changes).then_some(self.last);
        };
        let heads = self.heads.iter().map(|(&player, &head)| (player, head));
        let view = View::new(state.board, &state.cells, me, head, self.heading, heads);
        let direction = choose(self.skill, &view, &mut self.random);
        let is_change = self.heading != Some(direction);
        (is_change || !self.only_changes).then_some(direction)
    }

    /// A move to join or to return, if the last move was at least [`RETRY_MS`] ago.
    fn retry(&mut self) -> Option<Direction> {
        let now = self.state.as_ref()?.ms;
        let is_due = now.saturating_sub(self.last_ms) >= RETRY_MS;
        is_due.then(|| self.any_direction())
    }

    fn any_direction(&mut self) -> Direction {
        *Direction::ALL.choose(&mut self.random).expect("there are four directions")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bot() -> Bot {
        let mut bot = Bot::new("ann".parse().unwrap(), Skill::Greedy, 7);
        let welcome = r#"{"type":"welcome","protocol":1,"game":"g","server":"1","rules":"snake","you":"ps#1","seq":1,"oldest":1,"tick_ms":1000}"#;
        assert_eq!(read(&mut bot, welcome), None);
        bot
    }

    fn read(bot: &mut Bot, line: &str) -> Option<String> {
        let line = ServerLine::parse(line.as_bytes()).unwrap();
        bot.read(line).map(|step| step.to_string())
    }

    /// A bot that has joined a board of 9 × 5, and whose head is at 4, 2 after turn 2.
    fn playing() -> Bot {
        let mut bot = bot();
        let lines = [
            r#"{"type":"state","seq":1,"ms":0,"clock":0,"turn":1,"board":{"width":9,"height":5},"cells":[[4,0,"5",0]],"players":[],"workers":[]}"#,
            r#"{"seq":2,"ms":10,"type":"joined","player":1,"name":"ann","from":"ps#1","x":4,"y":2}"#,
            r#"{"seq":3,"ms":10,"type":"move","player":1,"name":"ann","from":"ps#1","direction":"W","x":4,"y":2}"#,
        ];
        assert!(read(&mut bot, lines[0]).unwrap().ends_with(" ann"));
        assert_eq!(lines[1..].iter().filter_map(|line| read(&mut bot, line)).count(), 0);
        let entered = r#"{"seq":4,"ms":100,"type":"turn","turn":2,"cells":[[4,2,"a",1]]}"#;
        assert_eq!(read(&mut bot, entered).unwrap(), "N ann");
        bot
    }

    #[test]
    fn each_turn_is_answered_unless_only_changes_are_wanted() {
        for only_changes in [false, true] {
            let mut bot = playing().with_only_changes(only_changes);
            let moved = r#"{"seq":5,"ms":200,"type":"turn","turn":3,"cells":[[4,1,"a",1]]}"#;
            assert_eq!(read(&mut bot, moved), (!only_changes).then(|| "N ann".to_owned()));
            let passed = r#"{"seq":6,"ms":300,"type":"turn","turn":4,"cells":[[4,0,"a",1],[4,2,"",0],[0,0,"3",0]]}"#;
            let answer = read(&mut bot, passed).unwrap();
            assert!(matches!(&*answer, "E ann" | "W ann"), "{answer}");
        }
    }

    #[test]
    fn a_player_that_is_out_tries_to_return_once_a_second() {
        let mut bot = playing();
        let lines = [
            (
                r#"{"seq":5,"ms":200,"type":"turn","turn":3,"cells":[[4,2,"",0]],"out":[[1,"ran into bob"]]}"#,
                false,
            ),
            (r#"{"seq":6,"ms":1000,"type":"clock","clock":1}"#, false),
            (r#"{"seq":7,"ms":2000,"type":"clock","clock":2}"#, true),
            (r#"{"type":"error","code":"bad_action","message":"ann is out"}"#, false),
            (r#"{"seq":8,"ms":2100,"type":"turn","turn":4,"cells":[[0,0,"1",0]]}"#, false),
            (r#"{"seq":9,"ms":3000,"type":"clock","clock":3}"#, true),
            (
                r#"{"seq":10,"ms":3000,"type":"move","player":1,"name":"ann","from":"ps#1","direction":"W","x":1,"y":2}"#,
                false,
            ),
            (r#"{"seq":11,"ms":5000,"type":"clock","clock":5}"#, false),
            (r#"{"seq":12,"ms":5100,"type":"turn","turn":5,"cells":[[1,2,"a",1]]}"#, true),
        ];
        for (line, answers) in lines {
            assert_eq!(read(&mut bot, line).is_some(), answers, "{line}");
        }
    }

    #[test]
    fn a_refused_move_is_repeated_once() {
        let mut bot = playing();
        let error = r#"{"type":"error","code":"bad_action","message":"late for turn 1"}"#;
        assert_eq!(read(&mut bot, error).unwrap(), "N ann");
        assert_eq!(read(&mut bot, error), None);
    }

    #[test]
    fn a_player_that_was_out_plays_again_in_the_next_round() {
        let mut bot = playing();
        let round = |seq| format!(r#"{{"seq":{seq},"ms":150,"type":"round","round":2,"seed":8}}"#);
        assert_eq!(read(&mut bot, &round(5)), None, "it has answered the last turn");
        let out = r#"{"seq":6,"ms":200,"type":"turn","turn":3,"out":[[1,"ran into bob"]]}"#;
        assert_eq!(read(&mut bot, out), None);
        assert!(read(&mut bot, &round(7)).is_some());
    }

    #[test]
    fn a_new_state_replaces_the_old_one() {
        let mut bot = playing();
        let state = r#"{"type":"state","seq":90,"ms":9000,"clock":9,"turn":60,"board":{"width":9,"height":5},"cells":[[7,3,"a",1]],"players":[{"id":1,"name":"ann","from":"ps#1","x":7,"y":3,"moves":8,"score":4,"alive":true}],"workers":[]}"#;
        assert!(read(&mut bot, state).is_some());
        let turn =
            r#"{"seq":91,"ms":9100,"type":"turn","turn":61,"cells":[[7,4,"a",1],[7,3,"",0]]}"#;
        assert!(read(&mut bot, turn).is_some());
    }

    #[test]
    fn a_faulty_server_causes_no_panic() {
        let player = r#"{"id":1,"name":"ann","from":"ps#1","x":65535,"y":65535,"moves":1,"score":0,"alive":true}"#;
        for (width, height) in [(0, 0), (0, 1), (1, 1), (3, 3), (65_535, 65_535)] {
            let mut bot = bot();
            let state = format!(
                r#"{{"type":"state","seq":1,"ms":0,"clock":0,"turn":0,"board":{{"width":{width},"height":{height}}},"players":[{player}],"workers":[]}}"#
            );
            read(&mut bot, &state);
            for (seq, turn) in [(2, 1), (3, 2)] {
                let cells = r#"[[65535,65535,"a",1],[65535,65534,"b",2]]"#;
                let turn = format!(
                    r#"{{"seq":{seq},"ms":1,"type":"turn","turn":{turn},"cells":{cells}}}"#
                );
                read(&mut bot, &turn);
            }
        }
    }

    #[test]
    fn games_without_turns_are_noticed() {
        let mut bot = bot();
        assert!(bot.has_turns());
        read(
            &mut bot,
            r#"{"type":"state","seq":1,"ms":0,"clock":0,"board":{"width":9,"height":5},"players":[],"workers":[]}"#,
        );
        assert!(!bot.has_turns());
    }
}

//! A game as a program: a referee that reads lines about players and prints lines about the board.
//!
//! Here are the lines, with no process: what is to be written to the referee, and what the lines that it
//! has printed mean. The server keeps the state, checks everything, and bounds it.

mod command;
mod fault;
mod roster;
mod turn_lines;

pub use self::fault::{Fault, FaultReason, RefereeFailure};

use std::{
    collections::{BTreeSet, HashMap},
    fmt::{self, Write},
};

use tribune_protocol::{
    Action, ActionPattern, ActionSyntax, BoardSize, CellContent, Line, MAX_CLIENT_LINE, Name,
    Origin, PlayerId, is_printable,
};

use self::{command::Command, roster::Roster, turn_lines::TurnLines};
use super::{Cell, RoundResult, Rules, TurnOutcome};

/// The most characters of the name of a game.
const MAX_NAME: usize = 32;

/// The most actions of a player between two turns, so that a player that floods the game does not flood the
/// referee.
const MAX_ACTIONS: u32 = 16;

/// The most bytes of the lines about the actions of all players between two turns. A referee may think for as
/// long as a turn may take without reading them, and they take a part of the input that can wait for it only.
const MAX_ACTION_BYTES: usize = 1 << 20;

/// The rules of a game that a referee decides.
#[derive(Debug)]
pub struct Referee {
    board: BoardSize,
    /// The name of its program, and of the game unless it prints another.
    title: String,
    name: Option<String>,
    actions: Option<ActionPattern>,
    /// Whether the first turn is complete, and with it the name and the actions.
    is_set_up: bool,
    players: Roster,
    /// The turn that it was asked for and has not completed.
    open_turn: Option<u64>,
    turn: TurnLines,
    /// The outcome of the first turn, which is played before the game begins.
    first_outcome: Option<TurnOutcome>,
    /// How many actions each player has taken since the last turn began.
    actions_taken: HashMap<PlayerId, u32>,
    /// How many bytes the lines about them have.
    action_bytes: usize,
    /// How many lines it has printed.
    lines: u64,
    /// What is to be written to it.
    input: String,
}

impl Referee {
    /// The rules of a referee for a board of this size, neither side of which may be 0, and whose program
    /// has this `title`.
    pub fn new(board: BoardSize, title: String) -> Self {
        Self {
            board,
            title,
            name: None,
            actions: None,
            is_set_up: false,
            players: Roster::default(),
            open_turn: None,
            turn: TurnLines::default(),
            first_outcome: None,
            actions_taken: HashMap::new(),
            action_bytes: 0,
            lines: 0,
            input: String::new(),
        }
    }

    /// Begins the first round, with this `seed`, and its first turn, before the game begins.
    pub fn begin(&mut self, seed: u64) {
        self.write_round(seed);
        self.write_turn(1);
    }

    /// Keeps the outcome of the first turn for the game.
    pub fn keep_first(&mut self, outcome: TurnOutcome) {
        self.first_outcome = Some(outcome);
    }

    /// The lines that are to be written to the referee, each with its end.
    pub fn take_input(&mut self) -> String {
        std::mem::take(&mut self.input)
    }

    /// Takes a line that the referee has printed, and returns what the turn has changed if that completes
    /// it.
    ///
    /// # Errors
    /// If the line is wrong. No line may be taken after that.
    pub fn receive(&mut self, line: &Line) -> Result<Option<TurnOutcome>, Fault> {
        self.lines += 1;
        let (Line::Whole(bytes) | Line::Cut(bytes) | Line::Unfinished(bytes)) = line;
        let result = match (line, std::str::from_utf8(bytes)) {
            (Line::Cut(_), _) => Err(FaultReason::LineTooLong(MAX_CLIENT_LINE)),
            (_, Err(_)) => Err(FaultReason::NotUtf8),
            (_, Ok(text)) => self.turn.count(bytes.len() + 1).and_then(|()| self.handle_line(text)),
        };
        match (line, result) {
            // The referee has exited, or was killed, in the middle of a line: that is the fault.
            (Line::Unfinished(_), Err(_)) => Ok(None),
            (_, result) => result.map_err(|reason| Fault::in_line(self.lines, bytes, reason)),
        }
    }

    /// The end of its standard output. If the referee has printed `end`, that completes the turn.
    ///
    /// # Errors
    /// If it has not, with this `reason`.
    pub fn close(&mut self, reason: FaultReason) -> Result<TurnOutcome, Fault> {
        if self.turn.end_game() {
            self.open_turn = None;
            return Ok(self.take_outcome());
        }
        Err(self.fault(reason))
    }

    /// A fault that is not one of a line.
    pub fn fault(&self, reason: FaultReason) -> Fault {
        Fault { line: self.lines, text: None, reason }
    }

    /// The failure of this referee because of `fault`.
    pub fn failure(&self, fault: Fault) -> RefereeFailure {
        RefereeFailure { title: self.title.clone(), fault }
    }

    fn handle_line(&mut self, line: &str) -> Result<Option<TurnOutcome>, FaultReason> {
        let Some(command) = Command::parse(line)? else { return Ok(None) };
        match command {
            Command::Name(name) => self.set_name(name)?,
            Command::Actions(pattern) => self.set_actions(&pattern)?,
            Command::Draw { x, y, glyph, player } => {
                let (x, y) = self.on_board(x, y)?;
                if player != PlayerId(0) {
                    self.players.check(player)?;
                }
                let player = if glyph.is_some() { player } else { PlayerId(0) };
                self.turn.draw(CellContent { x, y, glyph, player });
            }
            Command::Score(player, score) => {
                self.players.check(player)?;
                self.turn.score(player, score);
            }
            Command::Out(player, reason) => {
                self.players.check(player)?;
                self.turn.out(player, reason);
            }
            Command::Note(text) => self.turn.note(text)?,
            Command::Result(groups) => {
                let result = groups.map_or(Ok(RoundResult::ByScore), |groups| self.ranking(groups));
                self.turn.result(result?);
            }
            Command::End(reason) => self.turn.end(reason),
            Command::Go => return self.go().map(Some),
        }
        Ok(None)
    }

    fn set_name(&mut self, name: String) -> Result<(), FaultReason> {
        let length = name.chars().count();
        if !(1..=MAX_NAME).contains(&length) || !name.chars().all(is_printable) {
            return Err(FaultReason::Name(MAX_NAME));
        }
        match &self.name {
            Some(known) if *known == name => Ok(()),
            None if !self.is_set_up => {
                self.name = Some(name);
                Ok(())
            }
            _ => Err(FaultReason::TooLate),
        }
    }

    fn set_actions(&mut self, pattern: &str) -> Result<(), FaultReason> {
        match &self.actions {
            Some(known) if known.as_str() == pattern => Ok(()),
            None if !self.is_set_up => {
                self.actions = Some(ActionPattern::new(pattern)?);
                Ok(())
            }
            _ => Err(FaultReason::TooLate),
        }
    }

    fn on_board(&self, x: i64, y: i64) -> Result<(u16, u16), FaultReason> {
        let BoardSize { width, height } = self.board;
        match (u16::try_from(x), u16::try_from(y)) {
            (Ok(x), Ok(y)) if x < width && y < height => Ok((x, y)),
            _ => Err(FaultReason::OffBoard(self.board)),
        }
    }

    fn ranking(&self, groups: Vec<Vec<PlayerId>>) -> Result<RoundResult, FaultReason> {
        let mut seen = BTreeSet::new();
        for &player in groups.iter().flatten() {
            self.players.check(player)?;
            if !seen.insert(player) {
                return Err(FaultReason::RankedTwice(player));
            }
        }
        Ok(RoundResult::Ranking(groups))
    }

    fn go(&mut self) -> Result<TurnOutcome, FaultReason> {
        self.open_turn.take().ok_or(FaultReason::NoTurn)?;
        self.is_set_up = true;
        Ok(self.take_outcome())
    }

    fn take_outcome(&mut self) -> TurnOutcome {
        self.turn.take(|player| self.players.is_in_game(player))
    }

    fn write_round(&mut self, seed: u64) {
        let BoardSize { width, height } = self.board;
        self.write(format_args!("game {seed} {width} {height}"));
    }

    fn write_turn(&mut self, number: u64) {
        debug_assert_eq!(self.open_turn, None, "the turn before turn {number} is not complete");
        self.open_turn = Some(number);
        self.actions_taken.clear();
        self.action_bytes = 0;
        self.write(format_args!("turn {number}"));
    }

    fn write(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.input, "{line}").expect("writing to a string cannot fail");
    }
}

impl Rules for Referee {
    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.title)
    }

    fn board(&self) -> BoardSize {
        self.board
    }

    fn has_turns(&self) -> bool {
        true
    }

    /// The first round has begun before the game.
    fn begin_round(&mut self, seed: u64) {
        if self.first_outcome.is_none() {
            self.write_round(seed);
        }
    }

    /// The cell is 0, 0: where a player enters is what the referee draws.
    fn enter(&mut self, player: PlayerId, _: Origin, name: &Name) -> Cell {
        self.players.join(player);
        self.write(format_args!("join {player} {name}"));
        Cell { x: 0, y: 0 }
    }

    fn act(&mut self, player: PlayerId, cell: Cell, action: &Action) -> Result<Cell, String> {
        let taken = self.actions_taken.entry(player).or_default();
        if *taken == MAX_ACTIONS {
            return Err(format!("too many actions: expected at most {MAX_ACTIONS} in a turn"));
        }
        if self.action_bytes >= MAX_ACTION_BYTES {
            return Err("too many actions of all players in this turn".to_owned());
        }
        *taken += 1;
        let before = self.input.len();
        self.write(format_args!("act {player} {action}"));
        self.action_bytes += self.input.len() - before;
        Ok(cell)
    }

    fn leave(&mut self, player: PlayerId) {
        self.players.leave(player);
        self.actions_taken.remove(&player);
        self.write(format_args!("leave {player}"));
    }

    fn turn(&mut self, number: u64) -> Option<TurnOutcome> {
        if let Some(outcome) = self.first_outcome.take() {
            return Some(outcome);
        }
        self.write_turn(number);
        None
    }

    /// What the referee has printed, otherwise the directions.
    fn actions(&self) -> ActionSyntax {
        self.actions.clone().map_or(ActionSyntax::Directions, ActionSyntax::Pattern)
    }

    fn referee(&mut self) -> Option<&mut Referee> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;

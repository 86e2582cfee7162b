//! The rules of a game: where players enter, what an action means, and what a turn changes.
//!
//! Rules do no input or output and have no clock. The game numbers players, turns and
//! events, keeps each player's cell and score, calls its rules and encodes what they decide as events.

mod fnv1a;
mod outcome;
mod referee;
mod snake;
mod walk;

pub use self::{
    outcome::{RoundResult, TurnOutcome},
    referee::{Fault, FaultReason, Referee, RefereeFailure},
    snake::Snake,
    walk::Walk,
};

use std::fmt::Debug;

use tribune_protocol::{Action, ActionSyntax, BoardSize, Name, Origin, PlayerId};

/// A cell of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Distance from the western edge, in cells.
    pub x: u16,
    /// Distance from the northern edge, in cells.
    pub y: u16,
}

/// What distinguishes one game from another.
///
/// The game calls these methods in the order of its events, so the same calls must always have the
/// same results.
pub trait Rules: Debug + Send {
    /// The name of the game, as `welcome` has it.
    fn name(&self) -> &str;

    /// The size of the board. It does not change during a game.
    fn board(&self) -> BoardSize;

    /// Whether the game has turns, with scores and players that can be out. Without them, an action is
    /// all that happens, and turns change nothing.
    fn has_turns(&self) -> bool;

    /// Begins a round with an empty board. The players that are in the game enter again after that.
    fn begin_round(&mut self, seed: u64);

    /// Lets a player in: a new one, or at the beginning of a round one that is in the game already.
    /// Returns the cell where it enters, as far as that is known now.
    fn enter(&mut self, player: PlayerId, from: Origin, name: &Name) -> Cell;

    /// Handles an action of `player`, whose last known cell is `cell`, and returns its cell after that. If the
    /// player is out, this brings it back.
    ///
    /// # Errors
    /// If the player cannot do that now: why, for people. Nothing has changed then.
    fn act(&mut self, player: PlayerId, cell: Cell, action: &Action) -> Result<Cell, String>;

    /// Removes a player that has left the game.
    fn leave(&mut self, player: PlayerId);

    /// Plays turn `number`. `None` if its outcome comes later: from the [referee](Self::referee).
    fn turn(&mut self, number: u64) -> Option<TurnOutcome>;

    /// Which actions there are.
    fn actions(&self) -> ActionSyntax {
        ActionSyntax::Directions
    }

    /// The referee, if it is another process that decides.
    fn referee(&mut self) -> Option<&mut Referee> {
        None
    }
}

//! The rules of a game: where players enter, what an action means, and what a turn changes.
//!
//! Rules do no input or output and have no clock. The game numbers players and
//! events, keeps each player's cell, calls its rules and encodes what they decide as events.

mod walk;

pub use self::walk::Walk;

use std::fmt::Debug;

use tribune_protocol::{BoardSize, Direction, Name, Origin, PlayerId};

/// A cell of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// The size of the board. It does not change during a game.
    fn board(&self) -> BoardSize;

    /// Lets a new player in, and returns the cell where it enters.
    fn enter(&mut self, player: PlayerId, from: Origin, name: &Name) -> Cell;

    /// Handles an action of `player`, which is at `cell`, and returns the cell where it is then.
    fn act(&mut self, player: PlayerId, cell: Cell, action: Direction) -> Cell;

    /// Removes a player that has left the game.
    fn leave(&mut self, player: PlayerId);

    /// Plays one turn. Each tick of the clock is one, except the first, which starts the game, and
    /// those that the clock skips after a long pause.
    fn turn(&mut self);
}

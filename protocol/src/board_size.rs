use serde::{Deserialize, Serialize};

use crate::Direction;

/// The size of the board, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardSize {
    /// From west to east.
    pub width: u16,
    /// From north to south.
    pub height: u16,
}

impl BoardSize {
    /// The cell next to the cell `x`, `y` of the board in this direction, across the edge if necessary.
    pub fn neighbour(self, (x, y): (u16, u16), direction: Direction) -> (u16, u16) {
        let next = |at: u16, size: u16| if at + 1 == size { 0 } else { at + 1 };
        let previous = |at: u16, size: u16| if at == 0 { size - 1 } else { at - 1 };
        match direction {
            Direction::North => (x, previous(y, self.height)),
            Direction::South => (x, next(y, self.height)),
            Direction::East => (next(x, self.width), y),
            Direction::West => (previous(x, self.width), y),
        }
    }

    /// Whether the cell `x`, `y` is on the board.
    pub fn contains(self, (x, y): (u16, u16)) -> bool {
        x < self.width && y < self.height
    }

    /// How many cells the board has.
    pub fn cells(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }
}

use tribune_protocol::{BoardSize, Direction, PlayerId};

use super::random::SplitMix64;
use crate::rules::Cell;

/// What is in a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    #[default]
    Empty,
    /// Food of this value, 1 to 9.
    Food(u8),
    /// A part of the snake of this player.
    Snake(PlayerId),
}

/// The cells of the board, and which of them have changed.
///
/// It is kept up to date by the few cells that change in a turn, so a turn costs the same on a large board
/// as on a small one.
#[derive(Clone, Debug)]
pub struct Board {
    size: BoardSize,
    /// Row by row from the north.
    contents: Vec<Content>,
    food: usize,
    /// The cells that may have changed, as indices, with what was in them before. The first entry of a cell
    /// has what was there when changes were last taken.
    changes: Vec<(usize, Content)>,
}

impl Board {
    /// An empty board.
    pub fn new(size: BoardSize) -> Self {
        Self { size, contents: vec![Content::Empty; size.cells()], food: 0, changes: Vec::new() }
    }

    /// Its size.
    pub fn size(&self) -> BoardSize {
        self.size
    }

    /// How many cells have food.
    pub fn food(&self) -> usize {
        self.food
    }

    /// Empties all cells, and forgets what has changed.
    pub fn clear(&mut self) {
        *self = Self::new(self.size);
    }

    /// What is in `cell`.
    pub fn get(&self, cell: Cell) -> Content {
        self.contents[self.index(cell)]
    }

    /// Changes what is in `cell`.
    pub fn set(&mut self, cell: Cell, content: Content) {
        let index = self.index(cell);
        let before = std::mem::replace(&mut self.contents[index], content);
        self.food -= usize::from(matches!(before, Content::Food(_)));
        self.food += usize::from(matches!(content, Content::Food(_)));
        self.changes.push((index, before));
    }

    /// The cell next to `cell` in this direction, across the edge if necessary.
    pub fn neighbour(&self, cell: Cell, direction: Direction) -> Cell {
        let (x, y) = self.size.neighbour((cell.x, cell.y), direction);
        Cell { x, y }
    }

    /// Whether there is no snake in the four cells around `cell`.
    pub fn is_clear_around(&self, cell: Cell) -> bool {
        let is_snake =
            |direction| matches!(self.get(self.neighbour(cell, direction)), Content::Snake(_));
        !Direction::ALL.into_iter().any(is_snake)
    }

    /// A random cell.
    pub fn any_cell(&self, random: &mut SplitMix64) -> Cell {
        self.cell(random.below(self.contents.len()))
    }

    /// The cells that have changed since this was last called, row by row from the north.
    pub fn take_changes(&mut self) -> Vec<(Cell, Content)> {
        let mut changes = std::mem::take(&mut self.changes);
        // The sort is stable: the first entry of a cell stays the first, and the others are dropped.
        changes.sort_by_key(|&(index, _)| index);
        changes.dedup_by_key(|&mut (index, _)| index);
        let changed = changes.into_iter().filter(|&(index, before)| self.contents[index] != before);
        changed.map(|(index, _)| (self.cell(index), self.contents[index])).collect()
    }

    fn index(&self, cell: Cell) -> usize {
        usize::from(cell.y) * usize::from(self.size.width) + usize::from(cell.x)
    }

    fn cell(&self, index: usize) -> Cell {
        let width = usize::from(self.size.width);
        let narrow = |at: usize| u16::try_from(at).expect("it is within a side of the board");
        Cell { x: narrow(index % width), y: narrow(index / width) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAKE: Content = Content::Snake(PlayerId(1));

    fn board() -> Board {
        Board::new(BoardSize { width: 5, height: 3 })
    }

    #[test]
    fn only_cells_with_other_contents_than_before_have_changed() {
        let mut board = board();
        let [north, south, east] = [Cell { x: 4, y: 0 }, Cell { x: 1, y: 2 }, Cell { x: 2, y: 2 }];
        board.set(south, SNAKE);
        board.set(north, Content::Food(3));
        board.set(east, SNAKE);
        board.set(east, Content::Empty);
        assert_eq!(board.take_changes(), [(north, Content::Food(3)), (south, SNAKE)]);
        board.set(south, Content::Empty);
        board.set(south, SNAKE);
        board.set(north, Content::Food(4));
        assert_eq!(board.take_changes(), [(north, Content::Food(4))]);
        assert_eq!(board.take_changes(), []);
    }

    #[test]
    fn food_is_counted() {
        let mut board = board();
        let cell = Cell { x: 0, y: 0 };
        board.set(cell, Content::Food(1));
        board.set(cell, Content::Food(2));
        assert_eq!(board.food(), 1);
        board.set(cell, SNAKE);
        assert_eq!(board.food(), 0);
        board.set(cell, Content::Food(1));
        board.clear();
        assert_eq!((board.food(), board.get(cell)), (0, Content::Empty));
    }

    #[test]
    fn the_four_cells_around_a_cell_are_across_the_edges_too() {
        let corner = Cell { x: 0, y: 0 };
        for (x, y, is_clear) in [(4, 0, false), (0, 2, false), (1, 0, false), (1, 1, true)] {
            let mut board = board();
            board.set(Cell { x, y }, SNAKE);
            assert_eq!(board.is_clear_around(corner), is_clear, "{x}, {y}");
        }
    }
}

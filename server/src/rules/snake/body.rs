use std::collections::VecDeque;

use crate::rules::Cell;

/// The length that a snake grows to after it has entered with its head alone.
const FIRST_LENGTH: usize = 3;

/// The cells of a snake.
#[derive(Clone, Debug)]
pub struct Body {
    /// From head to tail; never empty.
    cells: VecDeque<Cell>,
    /// How many cells it still grows by, one in each turn.
    growth: usize,
}

impl Body {
    /// The body of a snake that has just entered.
    pub fn new(head: Cell) -> Self {
        Self { cells: VecDeque::from([head]), growth: FIRST_LENGTH - 1 }
    }

    /// A body with these cells, from head to tail, that does not grow.
    #[cfg(test)]
    pub fn from_cells(cells: Vec<Cell>) -> Self {
        Self { cells: cells.into(), growth: 0 }
    }

    /// The first cell.
    pub fn head(&self) -> Cell {
        self.cells[0]
    }

    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// The cells, from head to tail.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        self.cells.iter().copied()
    }

    /// The first half of a step: the tail leaves its cell, which is returned, unless the snake grows.
    pub fn advance_tail(&mut self) -> Option<Cell> {
        if self.growth > 0 {
            self.growth -= 1;
            return None;
        }
        self.cells.pop_back()
    }

    /// The other half of a step: the head enters `cell`.
    pub fn advance_head(&mut self, cell: Cell) {
        self.cells.push_front(cell);
    }

    /// Makes it grow by `cells` in the turns to come.
    pub fn grow(&mut self, cells: usize) {
        self.growth += cells;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snake_grows_by_one_cell_per_turn() {
        let mut body = Body::new(Cell { x: 0, y: 0 });
        let mut lengths = Vec::new();
        for x in 1..8 {
            let _ = body.advance_tail();
            body.advance_head(Cell { x, y: 0 });
            if x == 3 {
                body.grow(2);
            }
            lengths.push(body.len());
        }
        assert_eq!(lengths, [2, 3, 3, 4, 5, 5, 5]);
        assert_eq!(body.head(), Cell { x: 7, y: 0 });
        assert_eq!(body.cells().last(), Some(Cell { x: 3, y: 0 }));
    }
}

use tribune_protocol::{BoardSize, Cells, Direction, PlayerId};

/// A cell: its distances from the western and from the northern edge.
pub type Position = (u16, u16);

/// What is in a cell, as far as it matters to a snake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {
    /// Nothing.
    Empty,
    /// Something to eat.
    Food,
    /// A part of a snake, its own included.
    Snake,
}

/// The board as one snake sees it: everything that a strategy decides by.
#[derive(Clone, Debug)]
pub struct View {
    size: BoardSize,
    /// Row by row from the north.
    tiles: Vec<Tile>,
    /// Its head.
    pub head: Position,
    /// Where it travels; `None` if it has not moved yet.
    pub heading: Option<Direction>,
    /// How many cells it has.
    pub length: usize,
    /// The heads of the other snakes, as far as they are known, with their lengths.
    pub others: Vec<(Position, usize)>,
}

impl View {
    /// The board of this size as `player` sees it. `heads` are those of all snakes that are known.
    pub fn new(
        size: BoardSize,
        cells: &Cells,
        player: PlayerId,
        head: Position,
        heading: Option<Direction>,
        heads: impl Iterator<Item = (PlayerId, Position)>,
    ) -> Self {
        let mut tiles = vec![Tile::Empty; size.cells()];
        for cell in cells.iter() {
            let is_food = cell.player == PlayerId(0);
            // A faulty server may send cells that are not on the board.
            if size.contains((cell.x, cell.y)) {
                tiles[index(size, (cell.x, cell.y))] =
                    if is_food { Tile::Food } else { Tile::Snake };
            }
        }
        let length = |player| cells.iter().filter(|cell| cell.player == player).count();
        let others = heads
            .filter(|&(other, _)| other != player)
            .map(|(other, head)| (head, length(other)))
            .collect();
        Self { size, tiles, head, heading, length: length(player), others }
    }

    /// How many cells the board has.
    pub fn cells(&self) -> usize {
        self.tiles.len()
    }

    /// What is in a cell.
    pub fn tile(&self, at: Position) -> Tile {
        self.tiles[self.index(at)]
    }

    /// The place of a cell in a list of all cells.
    pub fn index(&self, at: Position) -> usize {
        index(self.size, at)
    }

    /// The cell next to another, across the edge if necessary.
    pub fn neighbour(&self, at: Position, direction: Direction) -> Position {
        self.size.neighbour(at, direction)
    }

    /// The directions that it can take, with the cells that it would enter: all but back.
    pub fn steps(&self) -> impl Iterator<Item = (Direction, Position)> {
        let back = self.heading.map(Direction::opposite);
        Direction::ALL
            .into_iter()
            .filter(move |&direction| Some(direction) != back)
            .map(|direction| (direction, self.neighbour(self.head, direction)))
    }

    /// Those of them that do not enter a snake.
    pub fn safe_steps(&self) -> impl Iterator<Item = (Direction, Position)> {
        self.steps().filter(|&(_, to)| self.tile(to) != Tile::Snake)
    }

    /// Whether the head of a snake that is as long or longer may enter a cell in the same turn.
    pub fn is_contested(&self, at: Position) -> bool {
        let reaches = |head| Direction::ALL.into_iter().any(|way| self.neighbour(head, way) == at);
        self.others.iter().any(|&(head, length)| length >= self.length && reaches(head))
    }

    /// The view of ann, whose head is `A` and body `a`, on a board that is drawn as text. Digits are food,
    /// other letters snakes, and those in upper case their heads.
    #[cfg(test)]
    pub fn drawn(rows: &[&str], heading: Option<Direction>) -> Self {
        use tribune_protocol::{CellContent, Glyph};

        let side = |length: usize| u16::try_from(length).unwrap();
        let size = BoardSize { width: side(rows[0].len()), height: side(rows.len()) };
        let player_of = |char: char| {
            PlayerId(if char.is_ascii_digit() { 0 } else { char.to_ascii_lowercase().into() })
        };
        let mut cells = Cells::default();
        let mut heads = Vec::new();
        for (y, row) in (0..).zip(rows) {
            for (x, char) in (0..).zip(row.chars()).filter(|&(_, char)| char != '.') {
                let player = player_of(char);
                cells.set(CellContent { x, y, glyph: Glyph::new(char), player });
                if char.is_ascii_uppercase() {
                    heads.push((player, (x, y)));
                }
            }
        }
        let ann = player_of('a');
        let head = heads.iter().find(|(player, _)| *player == ann).unwrap().1;
        Self::new(size, &cells, ann, head, heading, heads.into_iter())
    }
}

fn index(size: BoardSize, (x, y): Position) -> usize {
    usize::from(y) * usize::from(size.width) + usize::from(x)
}

#[cfg(test)]
mod tests {
    use Direction::{East, North, South};

    use super::*;

    #[test]
    fn a_snake_can_go_anywhere_but_back_and_safely_where_no_snake_is() {
        let view = View::drawn(&["..b", "aaA", "..3"], Some(East));
        let directions = |steps: Vec<(Direction, Position)>| {
            steps.into_iter().map(|(direction, _)| direction).collect::<Vec<_>>()
        };
        assert_eq!(directions(view.steps().collect()), [North, South, East]);
        assert_eq!(view.safe_steps().collect::<Vec<_>>(), [(South, (2, 2))]);
        assert_eq!(view.length, 3);
        let entered = View::drawn(&["...", ".A.", "..."], None);
        assert_eq!(entered.safe_steps().count(), 4);
    }

    #[test]
    fn cells_next_to_the_head_of_a_snake_that_is_as_long_are_contested() {
        let view = View::drawn(&["aaA....", "...Bbb.", "...Cc.."], Some(East));
        assert!(view.is_contested((3, 0)));
        assert!(!view.is_contested((2, 2)), "only a shorter snake may enter it");
        assert!(!view.is_contested((4, 0)), "this is next to a body");
    }
}

use tribune_protocol::{Direction, Glyph, Name};

use super::{
    board::{Board, Content},
    body::Body,
    random::SplitMix64,
    steering::Steering,
};
use crate::rules::Cell;

/// How many cells are tried in a turn for a snake that enters. A snake that finds none on a crowded board
/// tries again in the next turn, so that a turn has a bound.
const ENTRY_TRIES: usize = 32;

/// This many of them must have no other snake next to them, which could run into the new one at once.
const CLEAR_TRIES: usize = 24;

/// The glyph of a snake whose name has none of the letters a to z.
const NO_LETTER: char = '@';

/// A player of snake.
#[derive(Clone, Debug)]
pub struct Player {
    /// Its name.
    pub name: Name,
    /// What its cells show.
    pub glyph: Glyph,
    /// How much it has eaten in the round.
    pub score: i64,
    /// Whether it has a snake on the board.
    pub life: Life,
    /// Where its snake goes.
    pub steering: Steering,
    random: SplitMix64,
}

/// Whether a player has a snake on the board.
#[derive(Clone, Debug)]
pub enum Life {
    /// Its snake enters at the end of the next turn: at this cell, if that is free then.
    Entering(Cell),
    /// It has this snake.
    Alive(Body),
    /// It is out since this turn.
    Out(u64),
}

impl Player {
    /// A player that enters `board` in the round of this seed.
    pub fn new(name: Name, board: &Board, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed, name.as_str());
        Self {
            glyph: glyph_of(&name),
            name,
            score: 0,
            life: Life::Entering(board.any_cell(&mut random)),
            steering: Steering::default(),
            random,
        }
    }

    /// The cell of its head, or where it enters as far as that is known; `None` if it is out.
    pub fn cell(&self) -> Option<Cell> {
        match &self.life {
            Life::Entering(cell) => Some(*cell),
            Life::Alive(body) => Some(body.head()),
            Life::Out(_) => None,
        }
    }

    /// Lets a player that is out enter again. Returns where, as far as that is known.
    pub fn return_to(&mut self, board: &Board) -> Cell {
        let cell = board.any_cell(&mut self.random);
        self.steering = Steering::default();
        self.life = Life::Entering(cell);
        cell
    }

    /// Where its head goes in this turn, if it has a snake: where it was steered, or else straight on. A
    /// snake that was never steered starts in a random direction.
    pub fn next_head(&mut self, board: &Board) -> Option<Cell> {
        let Life::Alive(body) = &self.life else { return None };
        let random = &mut self.random;
        let direction = self.steering.step(|| Direction::ALL[random.below(Direction::ALL.len())]);
        Some(board.neighbour(body.head(), direction))
    }

    /// Lets its snake enter, if it is waiting and a cell is free. Returns that cell.
    pub fn enter(&mut self, board: &Board) -> Option<Cell> {
        let Life::Entering(mut cell) = self.life else { return None };
        for tried in 0..ENTRY_TRIES {
            let may_be_crowded = tried >= CLEAR_TRIES;
            if board.get(cell) == Content::Empty && (may_be_crowded || board.is_clear_around(cell))
            {
                self.life = Life::Alive(Body::new(cell));
                return Some(cell);
            }
            cell = board.any_cell(&mut self.random);
        }
        self.life = Life::Entering(cell);
        None
    }
}

/// One letter for all cells of a snake: if the head had another, each step would change a cell more.
fn glyph_of(name: &Name) -> Glyph {
    let letter = name.as_str().chars().find(char::is_ascii_alphabetic);
    let letter = letter.map_or(NO_LETTER, |letter| letter.to_ascii_lowercase());
    Glyph::new(letter).expect("letters are visible")
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{BoardSize, PlayerId};

    use super::*;

    #[test]
    fn glyphs_are_the_first_letters_of_names() {
        let glyph = |name: &str| glyph_of(&name.parse().unwrap()).char();
        assert_eq!(
            ["ann", "Bob", "7-Zip", "李", "é2x", "99"].map(glyph),
            ['a', 'b', 'z', '@', 'x', '@']
        );
    }

    fn entry(board: &Board, seed: u64) -> Option<Cell> {
        Player::new("ann".parse().unwrap(), board, seed).enter(board)
    }

    #[test]
    fn snakes_enter_at_free_cells_with_room_around_them() {
        let mut board = Board::new(BoardSize { width: 16, height: 9 });
        for x in 0..16 {
            board.set(Cell { x, y: 4 }, Content::Snake(PlayerId(9)));
            board.set(Cell { x, y: 0 }, Content::Food(1));
        }
        for seed in 0..100 {
            let cell = entry(&board, seed).unwrap();
            assert!(matches!(cell.y, 1 | 2 | 6 | 7 | 8), "{cell:?}");
        }
    }

    #[test]
    fn snakes_wait_if_the_board_is_full() {
        let mut board = Board::new(BoardSize { width: 3, height: 2 });
        let cells: Vec<Cell> = (0..3).flat_map(|x| (0..2).map(move |y| Cell { x, y })).collect();
        for &cell in &cells {
            board.set(cell, Content::Snake(PlayerId(9)));
        }
        let mut ann = Player::new("ann".parse().unwrap(), &board, 1);
        assert_eq!(ann.enter(&board), None);
        board.set(cells[3], Content::Empty);
        let entered = (0..100).find_map(|_| ann.enter(&board));
        assert_eq!(entered, Some(cells[3]));
    }
}

use super::{
    board::{Board, Content},
    random::SplitMix64,
};

/// The largest food.
const MAX_VALUE: usize = 9;

/// There is one cell of food for this many cells of the board: on the usual board of 32 × 16 there are 8.
const CELLS_PER_FOOD: usize = 64;

/// At least this many cells have food, so that there is something to compete for on a small board, too.
const MIN_FOOD: usize = 3;

/// At most one cell out of this many has food, so that there is room for snakes. This comes first.
const MIN_CELLS_PER_FOOD: usize = 4;

/// Puts food on empty cells, until there is as much as a board of this size has.
///
/// It tries twice as many cells as are missing. What finds no place on a crowded board is placed in a later
/// turn, so that a turn has a bound.
pub fn place_food(board: &mut Board, seed: u64, turn: u64) {
    let missing = wanted(board.size().cells()).saturating_sub(board.food());
    if missing == 0 {
        return;
    }
    let full = board.food() + missing;
    // A name has no spaces, so this is not the purpose of a player's generator.
    let mut random = SplitMix64::new(seed, &format!("food {turn}"));
    for _ in 0..2 * missing {
        let cell = board.any_cell(&mut random);
        let value = u8::try_from(1 + random.below(MAX_VALUE)).expect("it is a digit");
        if board.food() < full && board.get(cell) == Content::Empty {
            board.set(cell, Content::Food(value));
        }
    }
}

/// How many cells of a board with this many have food.
fn wanted(cells: usize) -> usize {
    (cells / CELLS_PER_FOOD).max(MIN_FOOD).min(cells / MIN_CELLS_PER_FOOD)
}

#[cfg(test)]
mod tests {
    use tribune_protocol::BoardSize;

    use super::*;

    #[test]
    fn large_boards_have_more_food_and_tiny_ones_none() {
        assert_eq!([1, 3, 4, 16, 200, 512, 20_000].map(wanted), [0, 0, 1, 3, 3, 8, 312]);
    }

    #[test]
    fn food_reaches_its_number_and_stays_there() {
        let mut board = Board::new(BoardSize { width: 32, height: 16 });
        for turn in 1..10 {
            place_food(&mut board, 7, turn);
            assert!(board.food() <= 8);
        }
        assert_eq!(board.food(), 8);
        let values = board.take_changes().into_iter().map(|(_, content)| content);
        assert!(values.into_iter().all(|content| matches!(content, Content::Food(1..=9))));
        place_food(&mut board, 7, 10);
        assert_eq!(board.take_changes(), []);
    }

    #[test]
    fn food_depends_on_seed_and_turn() {
        let place = |seed, turn| {
            let mut board = Board::new(BoardSize { width: 32, height: 16 });
            place_food(&mut board, seed, turn);
            board.take_changes()
        };
        assert_eq!(place(7, 1), place(7, 1));
        assert_ne!(place(7, 1), place(8, 1));
        assert_ne!(place(7, 1), place(7, 2));
    }
}

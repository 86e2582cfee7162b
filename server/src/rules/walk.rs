use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tribune_protocol::{Action, BoardSize, Direction, Name, Origin, PlayerId};

use super::{Cell, Rules, TurnOutcome, fnv1a::fnv1a};

/// Players walk on a torus: each action is one step, several players can share a cell, and turns
/// change nothing.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    board: BoardSize,
    seed: u64,
}

impl Walk {
    /// Rules for a board of this size, neither side of which may be 0. The seed determines where
    /// players enter.
    pub fn new(board: BoardSize, seed: u64) -> Self {
        Self { board, seed }
    }

    /// The cell next to `cell` in this direction, across the edge if necessary.
    fn neighbour(&self, cell: Cell, direction: Direction) -> Cell {
        let (x, y) = self.board.neighbour((cell.x, cell.y), direction);
        Cell { x, y }
    }
}

impl Rules for Walk {
    fn name(&self) -> &'static str {
        "walk"
    }

    fn board(&self) -> BoardSize {
        self.board
    }

    fn has_turns(&self) -> bool {
        false
    }

    fn begin_round(&mut self, _: u64) {}

    /// The cell depends on the seed and on the player's identity, but not on the order in which
    /// players join: programs that race each other enter at the same cells in each run.
    fn enter(&mut self, _: PlayerId, from: Origin, name: &Name) -> Cell {
        let identity = fnv1a(format!("{from} {name}").as_bytes());
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ identity);
        let BoardSize { width, height } = self.board;
        Cell { x: random.random_range(0..width), y: random.random_range(0..height) }
    }

    fn act(&mut self, _: PlayerId, cell: Cell, action: &Action) -> Result<Cell, String> {
        let direction =
            action.direction().ok_or("invalid action: expected a move, N, S, E or W")?;
        Ok(self.neighbour(cell, direction))
    }

    fn leave(&mut self, _: PlayerId) {}

    fn turn(&mut self, _: u64) -> Option<TurnOutcome> {
        Some(TurnOutcome::default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tribune_protocol::{ConnectionId, WorkerId};

    use super::*;

    const ANN: PlayerId = PlayerId(1);

    fn walk(width: u16, height: u16, seed: u64) -> Walk {
        Walk::new(BoardSize { width, height }, seed)
    }

    fn any_direction() -> impl Strategy<Value = Direction> {
        prop::sample::select(Direction::ALL.to_vec())
    }

    #[test]
    fn north_decreases_y_and_east_increases_x() {
        let walk = walk(32, 16, 0);
        let from = Cell { x: 4, y: 6 };
        assert_eq!(walk.neighbour(from, Direction::North), Cell { x: 4, y: 5 });
        assert_eq!(walk.neighbour(from, Direction::South), Cell { x: 4, y: 7 });
        assert_eq!(walk.neighbour(from, Direction::East), Cell { x: 5, y: 6 });
        assert_eq!(walk.neighbour(from, Direction::West), Cell { x: 3, y: 6 });
    }

    #[test]
    fn entry_depends_on_identity_and_seed() {
        let name: Name = "john".parse().unwrap();
        let origins = [
            Origin::program(WorkerId(1)),
            Origin::program(WorkerId(2)),
            Origin::tcp(ConnectionId(1)),
        ];
        let entries = |seed| origins.map(|from| walk(1000, 1000, seed).enter(ANN, from, &name));
        assert_eq!(entries(7), entries(7));
        assert_ne!(entries(7), entries(8));
        let [a, b, c] = entries(7);
        assert!(a != b && b != c && c != a);
    }

    proptest! {
        #[test]
        fn every_step_stays_on_the_board_and_can_be_reversed(
            width in 1u16.., height in 1u16.., x in any::<u16>(), y in any::<u16>(),
            direction in any_direction(),
        ) {
            let walk = walk(width, height, 0);
            let from = Cell { x: x % width, y: y % height };
            let to = walk.neighbour(from, direction);
            prop_assert!(to.x < width && to.y < height);
            prop_assert_eq!(walk.neighbour(to, direction.opposite()), from);
        }

        #[test]
        fn walking_straight_across_the_board_returns_to_the_start(
            width in 1u16..200, height in 1u16..200, x in any::<u16>(), y in any::<u16>(),
            direction in any_direction(),
        ) {
            let walk = walk(width, height, 0);
            let start = Cell { x: x % width, y: y % height };
            let steps = match direction {
                Direction::North | Direction::South => height,
                Direction::East | Direction::West => width,
            };
            let path: Vec<Cell> = (0..steps)
                .scan(start, |at, _| {
                    *at = walk.neighbour(*at, direction);
                    Some(*at)
                })
                .collect();
            prop_assert_eq!(path.last(), Some(&start));
            prop_assert!(!path[..path.len() - 1].contains(&start), "not before {} steps", steps);
        }

        #[test]
        fn every_entry_is_on_the_board_whatever_happened_before(
            width in 1u16.., height in 1u16.., seed in any::<u64>(), id in any::<u64>(),
            before in prop::collection::vec(any::<u64>(), 0..5),
        ) {
            let mut walk = walk(width, height, seed);
            let name: Name = "n".parse().unwrap();
            let mut enter = |id| walk.enter(PlayerId(id), Origin::tcp(ConnectionId(id)), &name);
            let first = enter(id);
            prop_assert!(first.x < width && first.y < height);
            for other in before {
                enter(other);
            }
            prop_assert_eq!(enter(id), first);
        }
    }
}

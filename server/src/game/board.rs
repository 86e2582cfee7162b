use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tribune_protocol::{BoardSize, Direction, Name, Origin};

/// A cell of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Cells from the western edge.
    pub x: u16,
    /// Cells from the northern edge.
    pub y: u16,
}

/// The board, a torus: whoever leaves it on one side comes back on the other.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    size: BoardSize,
    seed: u64,
}

impl Board {
    /// A board of `size`, on which `seed` decides where players enter. Neither side may be 0.
    pub fn new(size: BoardSize, seed: u64) -> Self {
        Self { size, seed }
    }

    /// How large it is.
    pub fn size(&self) -> BoardSize {
        self.size
    }

    /// The cell next to `cell`.
    pub fn step(&self, cell: Cell, direction: Direction) -> Cell {
        let BoardSize { width, height } = self.size;
        let up = |at: u16, size: u16| if at + 1 == size { 0 } else { at + 1 };
        let down = |at: u16, size: u16| if at == 0 { size - 1 } else { at - 1 };
        match direction {
            Direction::North => Cell { y: down(cell.y, height), ..cell },
            Direction::South => Cell { y: up(cell.y, height), ..cell },
            Direction::East => Cell { x: up(cell.x, width), ..cell },
            Direction::West => Cell { x: down(cell.x, width), ..cell },
        }
    }

    /// Where the player `name` of `origin` enters.
    ///
    /// It depends on the seed and on who the player is, not on when it comes: programs that race
    /// each other enter at the same places each time.
    pub fn entry(&self, origin: Origin, name: &Name) -> Cell {
        let who = fnv1a(format!("{origin} {name}").as_bytes());
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ who);
        Cell {
            x: random.random_range(0..self.size.width),
            y: random.random_range(0..self.size.height),
        }
    }
}

/// The 64-bit FNV-1a hash, whose values are the same on every machine and in every version.
///
/// Source of the two constants: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tribune_protocol::{ConnectionId, WorkerId};

    use super::*;

    fn board(width: u16, height: u16, seed: u64) -> Board {
        Board::new(BoardSize { width, height }, seed)
    }

    fn opposite(direction: Direction) -> Direction {
        match direction {
            Direction::North => Direction::South,
            Direction::South => Direction::North,
            Direction::East => Direction::West,
            Direction::West => Direction::East,
        }
    }

    #[test]
    fn north_is_up_and_east_is_right() {
        let board = board(32, 16, 0);
        let from = Cell { x: 4, y: 6 };
        assert_eq!(board.step(from, Direction::North), Cell { x: 4, y: 5 });
        assert_eq!(board.step(from, Direction::South), Cell { x: 4, y: 7 });
        assert_eq!(board.step(from, Direction::East), Cell { x: 5, y: 6 });
        assert_eq!(board.step(from, Direction::West), Cell { x: 3, y: 6 });
    }

    #[test]
    fn fnv1a_hashes_as_published() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn entries_are_spread_by_who_and_by_seed() {
        let name: Name = "john".parse().unwrap();
        let origins = [
            Origin::Program(WorkerId(1)),
            Origin::Program(WorkerId(2)),
            Origin::Connection(ConnectionId(1)),
        ];
        let entries = |seed| origins.map(|origin| board(1000, 1000, seed).entry(origin, &name));
        assert_eq!(entries(7), entries(7));
        assert_ne!(entries(7), entries(8));
        let [a, b, c] = entries(7);
        assert!(a != b && b != c && c != a);
    }

    proptest! {
        #[test]
        fn every_step_stays_on_the_board_and_can_be_taken_back(
            width in 1u16.., height in 1u16.., x in any::<u16>(), y in any::<u16>(),
            direction in prop::sample::select(Direction::ALL.to_vec()),
        ) {
            let board = board(width, height, 0);
            let from = Cell { x: x % width, y: y % height };
            let to = board.step(from, direction);
            prop_assert!(to.x < width && to.y < height);
            prop_assert_eq!(board.step(to, opposite(direction)), from);
        }

        #[test]
        fn every_entry_is_on_the_board(width in 1u16.., height in 1u16.., seed in any::<u64>(), id in any::<u64>()) {
            let name = "n".parse().unwrap();
            let at = board(width, height, seed).entry(Origin::Connection(ConnectionId(id)), &name);
            prop_assert!(at.x < width && at.y < height);
        }
    }
}

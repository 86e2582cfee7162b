//! A turn of snake with 100 snakes on a board of 200 × 100 cells.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use tribune_protocol::{
    Action, BoardSize, Cells, Direction, Event, EventKind, Origin, PlayerId, Seq, Turn, WorkerId,
    encode,
};
use tribune_server::rules::{Cell, Rules, Snake, TurnOutcome};

const BOARD: BoardSize = BoardSize { width: 200, height: 100 };
const SNAKES: u64 = 100;

/// In how many turns each snake is steered once on average.
const TURNS_PER_KEY: u32 = 10;

/// After so many turns the snakes have grown.
const WARM_UP: u64 = 300;

/// A game whose snakes are steered at random, and return as soon as they are out.
#[derive(Debug)]
pub struct SnakeTurn {
    rules: Snake,
    cells: Cells,
    random: Xoshiro256PlusPlus,
    turn: u64,
    line: Vec<u8>,
}

impl Default for SnakeTurn {
    fn default() -> Self {
        let mut rules = Snake::new(BOARD, 7);
        for id in 1..=SNAKES {
            let name = format!("player-{id}").parse().expect("it is a name");
            rules.enter(PlayerId(id), Origin::program(WorkerId(id)), &name);
        }
        let mut game = Self {
            rules,
            cells: Cells::default(),
            random: Xoshiro256PlusPlus::seed_from_u64(7),
            turn: 0,
            line: Vec::new(),
        };
        for _ in 0..WARM_UP {
            game.play();
        }
        game
    }
}

impl SnakeTurn {
    /// Plays a turn with everything that it costs the game: some snakes are steered, all move, the cells that
    /// the game keeps are updated, and the event is encoded. Returns the line.
    pub fn play(&mut self) -> &[u8] {
        for id in 1..=SNAKES {
            if self.random.random_range(0..TURNS_PER_KEY) == 0 {
                let direction = Direction::ALL[self.random.random_range(0..4)];
                self.steer(PlayerId(id), direction);
            }
        }
        self.turn += 1;
        let TurnOutcome { cells, scores, out, notes, .. } = self.rules.turn(self.turn);
        for (player, _) in &out {
            self.steer(*player, Direction::North);
        }
        for &cell in &cells {
            self.cells.set(cell);
        }
        let turn = Turn { turn: self.turn, cells, scores, out, notes };
        let event = Event { seq: Seq(self.turn), ms: self.turn * 150, kind: EventKind::Turn(turn) };
        self.line.clear();
        encode(&event, &mut self.line);
        &self.line
    }

    fn steer(&mut self, player: PlayerId, direction: Direction) {
        // A reversal is refused, and the snake goes straight on.
        let _ = self.rules.act(player, Cell { x: 0, y: 0 }, &Action::Move(direction));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const TURNS: usize = 1000;

    #[test]
    fn lines_of_turns_with_100_snakes_are_below_4_kb_on_average() {
        let mut game = SnakeTurn::default();
        let bytes: usize = (0..TURNS).map(|_| game.play().len()).sum();
        let average = bytes / TURNS;
        assert!((2000..4000).contains(&average), "{average} bytes");
    }

    #[test]
    fn about_a_hundred_grown_snakes_are_on_the_board() {
        let mut game = SnakeTurn::default();
        let mut snakes = 0;
        let mut cells = 0;
        for _ in 0..TURNS {
            game.play();
            let owners: Vec<PlayerId> = game.cells.iter().map(|cell| cell.player).collect();
            cells += owners.iter().filter(|&&owner| owner != PlayerId(0)).count();
            snakes += owners.into_iter().collect::<HashSet<_>>().len() - 1;
        }
        assert!(snakes > TURNS * 95, "{}", snakes / TURNS);
        assert!(cells > snakes * 5, "a length of {}", cells / snakes);
    }
}

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use tribune_protocol::{Action, BoardSize, Cells, Direction, Name, Origin, PlayerId, WorkerId};

use super::super::{board::Content, *};

/// The players of a random game, by their names.
const NAMES: [&str; 6] = ["ann", "bob", "ada", "李", "b2", "9"];

/// Something that a player does. It joins by its first action.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Go(Direction),
    Leave,
}

/// What happens within a turn, in order: steps of players, which are given as indices of [`NAMES`].
pub type TurnSteps = Vec<(usize, Step)>;

#[derive(Clone, Debug)]
pub struct RandomGame {
    pub board: BoardSize,
    pub seed: u64,
    pub turns: Vec<TurnSteps>,
}

pub fn random_game() -> impl Strategy<Value = RandomGame> {
    let direction = prop::sample::select(Direction::ALL.to_vec());
    let step = prop_oneof![30 => direction.prop_map(Step::Go), 1 => Just(Step::Leave)];
    let turn = prop::collection::vec((0..NAMES.len(), step), 0..8);
    let turns = prop::collection::vec(turn, 1..40);
    (1..12_u16, 1..12_u16, any::<u64>(), turns).prop_map(|(width, height, seed, turns)| {
        RandomGame { board: BoardSize { width, height }, seed, turns }
    })
}

/// A game that is played with ids given in the order of joining.
pub struct Played {
    snake: Snake,
    ids: BTreeMap<usize, PlayerId>,
    /// The names of all players that have ever joined.
    names: HashMap<PlayerId, &'static str>,
    turn: u64,
}

/// The outcome of a turn without ids.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    cells: Vec<(u16, u16, Option<char>, &'static str)>,
    scores: BTreeSet<(&'static str, i64)>,
    out: BTreeSet<(&'static str, String)>,
}

impl Played {
    pub fn new(game: &RandomGame) -> Self {
        Self {
            snake: Snake::new(game.board, game.seed),
            ids: BTreeMap::new(),
            names: HashMap::from([(PlayerId(0), "")]),
            turn: 0,
        }
    }

    /// The id of a player that has joined.
    pub fn id(&self, player: usize) -> Option<PlayerId> {
        self.ids.get(&player).copied()
    }

    /// The id that the next player gets.
    pub fn next_id(&self) -> PlayerId {
        PlayerId(u64::try_from(self.names.len()).unwrap())
    }

    pub fn name(player: usize) -> &'static str {
        NAMES[player]
    }

    pub fn take(&mut self, (player, step): (usize, Step)) {
        match step {
            Step::Leave => {
                if let Some(id) = self.ids.remove(&player) {
                    self.snake.leave(id);
                }
            }
            Step::Go(direction) => {
                let next = self.next_id();
                let id = *self.ids.entry(player).or_insert(next);
                if id == next {
                    self.names.insert(id, NAMES[player]);
                    let name: Name = NAMES[player].parse().unwrap();
                    self.snake.enter(id, Origin::program(WorkerId(1)), &name);
                }
                let _ = self.snake.act(id, Cell { x: 0, y: 0 }, &Action::Move(direction));
            }
        }
    }

    pub fn turn(&mut self, steps: &TurnSteps) -> TurnOutcome {
        for &step in steps {
            self.take(step);
        }
        self.turn += 1;
        self.snake.turn(self.turn)
    }

    fn named(&self, turn: &TurnOutcome) -> Named {
        let name = |id: PlayerId| self.names[&id];
        Named {
            cells: (turn.cells.iter())
                .map(|cell| (cell.x, cell.y, cell.glyph.map(Glyph::char), name(cell.player)))
                .collect(),
            scores: turn.scores.iter().map(|&(id, score)| (name(id), score)).collect(),
            out: turn.out.iter().map(|(id, reason)| (name(*id), reason.clone())).collect(),
        }
    }

    /// What the board has to show, computed from the snakes and the food.
    fn expected_cells(&self) -> Cells {
        let mut cells = Cells::default();
        let BoardSize { width, height } = self.snake.board.size();
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            if let Content::Food(value) = self.snake.board.get(Cell { x, y }) {
                let glyph = Glyph::new(char::from(b'0' + value));
                cells.set(CellContent { x, y, glyph, player: PlayerId(0) });
            }
        }
        for (&player, state) in &self.snake.players {
            let Life::Alive(body) = &state.life else { continue };
            for Cell { x, y } in body.cells() {
                assert_eq!(cells.get(x, y), None, "{x}, {y} is taken twice");
                cells.set(CellContent { x, y, glyph: Some(state.glyph), player });
            }
        }
        cells
    }
}

/// The same steps in another order that keeps that of each player. `choices` decide who is next.
fn reordered(steps: &TurnSteps, choices: &[usize]) -> TurnSteps {
    let mut rest = steps.clone();
    let mut reordered = TurnSteps::new();
    for choice in choices.iter().cycle().take(steps.len()) {
        let player = rest[choice % rest.len()].0;
        let first = rest.iter().position(|step| step.0 == player).unwrap();
        reordered.push(rest.remove(first));
    }
    reordered
}

proptest! {
    #[test]
    fn order_of_arrival_within_a_turn_does_not_matter(
        game in random_game(),
        choices in prop::collection::vec(any::<usize>(), 1..20),
    ) {
        let (mut one, mut other) = (Played::new(&game), Played::new(&game));
        for steps in &game.turns {
            let [first, second] = [
                one.turn(steps),
                other.turn(&reordered(steps, &choices)),
            ];
            prop_assert_eq!(one.named(&first), other.named(&second));
        }
    }

    #[test]
    fn drawn_cells_are_bodies_and_food(game in random_game()) {
        let mut played = Played::new(&game);
        let mut drawn = Cells::default();
        for steps in &game.turns {
            let outcome = played.turn(steps);
            for cell in outcome.cells {
                let old = drawn.get(cell.x, cell.y);
                prop_assert_ne!(old, cell.glyph.map(|glyph| (glyph, cell.player)), "no change");
                drawn.set(cell);
            }
            prop_assert_eq!(&drawn, &played.expected_cells());
            let taken = (played.snake.players.values())
                .filter_map(|player| match &player.life {
                    Life::Alive(body) => Some(body.len()),
                    _ => None,
                })
                .sum::<usize>();
            prop_assert_eq!(drawn.len(), taken + played.snake.board.food());
        }
    }

    #[test]
    fn the_same_seed_and_actions_give_the_same_turns(game in random_game()) {
        let (mut one, mut other) = (Played::new(&game), Played::new(&game));
        for steps in &game.turns {
            prop_assert_eq!(one.turn(steps), other.turn(steps));
        }
    }

    #[test]
    fn no_keys_within_a_turn_turn_a_snake_into_its_neck(
        seed in any::<u64>(),
        turns in prop::collection::vec(
            prop::collection::vec(prop::sample::select(Direction::ALL.to_vec()), 0..5), 1..40,
        ),
    ) {
        // Without food the snake has three cells, which can only run into each other by a reversal.
        let board = BoardSize { width: 5, height: 5 };
        let mut played = Played::new(&RandomGame { board, seed, turns: Vec::new() });
        played.take((0, Step::Go(Direction::North)));
        played.snake.place_entering_snakes();
        for (turn, keys) in (1..).zip(turns) {
            for key in keys {
                played.take((0, Step::Go(key)));
            }
            prop_assert_eq!(played.snake.step(turn).out, vec![]);
        }
    }
}

use std::collections::BTreeMap;

use proptest::prelude::*;
use tribune_protocol::{CellContent, Direction, ErrorCode, Glyph, Refusal, Standing, Turn};

use super::*;
use crate::rules::RoundResult;

/// Rules that make each action visible: `N` scores a point and draws a cell, `S` puts the player out,
/// `E` ends the round, and `W` is refused.
#[derive(Debug, Default)]
struct Simple {
    scores: BTreeMap<PlayerId, i64>,
    acted: Vec<(PlayerId, Direction)>,
}

impl Rules for Simple {
    fn name(&self) -> &'static str {
        "simple"
    }

    fn board(&self) -> BoardSize {
        BoardSize { width: 8, height: 8 }
    }

    fn has_turns(&self) -> bool {
        true
    }

    fn begin_round(&mut self, _: u64) {
        *self = Self::default();
    }

    fn enter(&mut self, player: PlayerId, _: Origin, _: &Name) -> Cell {
        self.scores.insert(player, 0);
        Cell { x: 0, y: 0 }
    }

    fn act(&mut self, player: PlayerId, cell: Cell, action: &Action) -> Result<Cell, String> {
        match action.direction() {
            None | Some(Direction::West) => Err("not to the west".to_owned()),
            Some(direction) => {
                self.acted.push((player, direction));
                Ok(cell)
            }
        }
    }

    fn leave(&mut self, player: PlayerId) {
        self.scores.remove(&player);
        self.acted.retain(|(actor, _)| *actor != player);
    }

    fn turn(&mut self, number: u64) -> Option<TurnOutcome> {
        let mut outcome = TurnOutcome::default();
        for (player, direction) in std::mem::take(&mut self.acted) {
            match direction {
                Direction::North => {
                    let score = self.scores.entry(player).or_default();
                    *score += 1;
                    outcome.scores.retain(|(scorer, _)| *scorer != player);
                    outcome.scores.push((player, *score));
                    let [x, y] =
                        [number, player.0].map(|number| u16::try_from(number % 8).unwrap());
                    outcome.cells.retain(|cell| (cell.x, cell.y) != (x, y));
                    outcome.cells.push(CellContent { x, y, glyph: Glyph::new('o'), player });
                }
                Direction::South => outcome.out.push((player, "fell".to_owned())),
                Direction::East => outcome.result = Some(RoundResult::ByScore),
                Direction::West => {}
            }
        }
        Some(outcome)
    }
}

fn simple(lockstep: bool, min_players: usize, ends: GameEnds) -> Game {
    let turns = TurnConfig { period: at(100), lockstep, min_players, referee_timeout: at(500) };
    let respawn = Some(Duration::from_secs(3));
    let config = GameConfig { turns, ends, respawn, stay: true, ..config("") };
    let mut game = Game::with_rules(config, Box::<Simple>::default());
    game.advance(at(0));
    game
}

/// The events since the last call, in short.
fn summaries(game: &mut Game) -> Vec<String> {
    let batch = &mut game.outbox().events;
    let events: Vec<Event> =
        batch.lines().map(|line| serde_json::from_slice(line).unwrap()).collect();
    batch.clear();
    events.into_iter().filter_map(|event| describe(event.kind)).collect()
}

fn describe(kind: EventKind) -> Option<String> {
    Some(match kind {
        EventKind::Clock { .. } => return None,
        EventKind::Joined { name, .. } => format!("{name} joined"),
        EventKind::Move { name, direction, .. } => format!("{direction} {name}"),
        EventKind::Turn(Turn { turn, scores, out, .. }) => {
            let scores = scores.iter().map(|(player, score)| format!(" {player}={score}"));
            let out = out.iter().map(|(player, reason)| format!(" {player} {reason}"));
            format!("turn {turn}{}", scores.chain(out).collect::<String>())
        }
        EventKind::Round { round, seed } => format!("round {round} seed {seed}"),
        EventKind::Result { round, ranking } => {
            let places = ranking
                .iter()
                .map(|Standing { rank, name, score, .. }| format!(" {rank}. {name} {score}"));
            format!("result {round}{}", places.collect::<String>())
        }
        EventKind::Left { name, .. } => format!("{name} left"),
        EventKind::Bye { reason } => format!("bye {reason}"),
        other => format!("{other:?}"),
    })
}

/// Advances the game every 100 ms from one time to another.
fn advance(game: &mut Game, from: u64, to: u64) {
    for now in (from..=to).step_by(100) {
        game.advance(at(now));
    }
}

/// The refusals among the effects since the last call.
fn refusals(game: &mut Game) -> Vec<String> {
    let effects = std::mem::take(&mut game.outbox().effects).into_iter();
    let refusals = effects.filter_map(|effect| match effect {
        Effect::Refuse(_, Refusal { code: ErrorCode::BadAction, message }) => Some(message),
        _ => None,
    });
    refusals.collect()
}

#[test]
fn by_the_clock_actions_are_emitted_at_once_and_turns_when_due() {
    let mut game = simple(false, 0, GameEnds::default());
    assert_eq!(summaries(&mut game), ["round 1 seed 7"]);
    game.apply(moves(1, &["N ann", "N ann"]), at(20));
    assert_eq!(summaries(&mut game), ["ann joined", "N ann", "N ann"]);
    advance(&mut game, 100, 350);
    assert_eq!(summaries(&mut game), ["turn 2 1=2"], "turns without changes are not emitted");
    game.apply(moves(1, &["N ann"]), at(360));
    advance(&mut game, 400, 700);
    assert_eq!(summaries(&mut game), ["N ann", "turn 5 1=3"]);
    assert_eq!(game.state().turn, Some(5));
    game.advance(at(950));
    assert_eq!(game.next_turn(), Some(at(1050)), "turns that were missed are not made up for");
}

#[test]
fn in_lockstep_a_turn_closes_when_all_have_acted_and_is_emitted_in_the_order_of_players() {
    let mut game = simple(true, 2, GameEnds::default());
    summaries(&mut game);
    game.apply(moves(1, &["N ann"]), at(10));
    game.apply(moves(2, &["N bob"]), at(20));
    let first = ["ann joined", "bob joined", "N ann", "N bob", "turn 2 1=1 2=1"];
    assert_eq!(summaries(&mut game), first);
    game.apply(moves(2, &["N bob", "S bob"]), at(30));
    assert_eq!(summaries(&mut game), [""; 0], "it is emitted only when the turn closes");
    assert_eq!(refusals(&mut game), ["bob has acted in turn 3 already"]);
    game.apply(moves(1, &["N ann"]), at(40));
    assert_eq!(summaries(&mut game), ["N ann", "N bob", "turn 3 1=2 2=2"]);
}

#[test]
fn in_lockstep_a_late_line_does_not_count_for_the_next_turn() {
    let mut game = simple(true, 2, GameEnds::default());
    game.apply(moves(1, &["N ann"]), at(0));
    game.apply(moves(2, &["N bob"]), at(0));
    summaries(&mut game);
    game.apply(moves(1, &["N ann"]), at(50));
    game.advance(at(100));
    assert_eq!(summaries(&mut game), ["N ann", "turn 3 1=2"], "the limit has passed");
    game.apply(moves(2, &["N bob"]), at(110));
    let late = "late for turn 3, which is over: it does not count for turn 4";
    assert_eq!(refusals(&mut game), [late]);
    game.apply(moves(1, &["N ann"]), at(120));
    game.apply(moves(2, &["N bob"]), at(130));
    assert_eq!(
        summaries(&mut game),
        ["N ann", "N bob", "turn 4 1=3 2=2"],
        "it is late for one turn only"
    );
}

#[test]
fn in_lockstep_a_late_line_does_not_count_for_the_next_round() {
    let mut game = simple(true, 2, GameEnds::default());
    game.apply(moves(1, &["N ann"]), at(0));
    game.apply(moves(2, &["N bob"]), at(0));
    game.apply(moves(1, &["E ann"]), at(50));
    game.advance(at(100));
    assert_eq!(summaries(&mut game).last().unwrap(), "round 2 seed 8");
    game.apply(moves(2, &["N bob"]), at(110));
    let late = "late for turn 3, which is over: it does not count for turn 4";
    assert_eq!(refusals(&mut game), [late]);
    game.apply(moves(2, &["N bob"]), at(120));
    assert_eq!(refusals(&mut game), [""; 0]);
}

#[test]
fn in_lockstep_a_late_line_of_a_player_that_is_out_is_no_longer_due() {
    let mut game = simple(true, 2, GameEnds::default());
    game.apply(moves(1, &["N ann"]), at(0));
    game.apply(moves(2, &["N bob"]), at(0));
    game.apply(moves(1, &["N ann"]), at(50));
    game.advance(at(100));
    game.players.get_mut(PlayerId(2)).unwrap().1.out_since = Some(at(100));
    game.apply(moves(2, &["N bob"]), at(110));
    game.apply(moves(2, &["N bob"]), at(3200));
    assert_eq!(refusals(&mut game), ["bob is out, and can come back in 3.0 s"]);
}

#[test]
fn lockstep_does_not_wait_for_players_that_are_out_or_have_left() {
    let mut game = simple(true, 3, GameEnds::default());
    for (connection, line) in [(1, "N ann"), (2, "S bob"), (3, "N eve")] {
        game.apply(moves(connection, &[line]), at(0));
    }
    assert_eq!(summaries(&mut game).last().unwrap(), "turn 2 1=1 3=1 2 fell");
    game.apply(moves(1, &["N ann"]), at(10));
    game.apply(moves(3, &["N eve"]), at(10));
    assert_eq!(summaries(&mut game).last().unwrap(), "turn 3 1=2 3=2");
    let mut game = simple(true, 0, GameEnds::default());
    game.apply(moves(1, &["N ann"]), at(0));
    game.apply(moves(2, &["N bob"]), at(0));
    summaries(&mut game);
    game.apply(Input::Disconnected { from: tcp(1), reason: "gone".into() }, at(10));
    assert_eq!(summaries(&mut game), ["ann left", "N bob", "turn 3 2=1"]);
}

#[test]
fn lockstep_does_not_wait_for_a_player_that_is_silent() {
    let mut game = simple(true, 2, GameEnds::default());
    game.apply(moves(1, &["N ann"]), at(0));
    game.apply(moves(2, &["N bob"]), at(0));
    // Ann acts in each turn, and Bob in none.
    for turn in 0..10 {
        game.apply(moves(1, &["N ann"]), at(100 * turn));
        summaries(&mut game);
        game.advance(at(100 * (turn + 1)));
        assert_eq!(summaries(&mut game).len(), 2, "a turn that waits for its limit");
    }
    game.apply(moves(1, &["N ann"]), at(1001));
    assert_eq!(summaries(&mut game), ["N ann", "turn 13 1=12"]);
    game.apply(moves(2, &["N bob"]), at(1002));
    game.apply(moves(1, &["N ann"]), at(1003));
    assert_eq!(summaries(&mut game), ["N ann", "N bob", "turn 14 1=13 2=2"], "Bob is back");
}

#[test]
fn players_that_have_left_keep_their_place_in_the_result() {
    let mut game = simple(false, 0, GameEnds::default());
    game.apply(moves(1, &["N ann", "N ann"]), at(10));
    game.apply(moves(2, &["N bob"]), at(10));
    game.apply(moves(3, &["S eve"]), at(10));
    game.advance(at(100));
    for connection in [1, 3] {
        game.apply(Input::Disconnected { from: tcp(connection), reason: "gone".into() }, at(110));
    }
    game.apply(moves(2, &["E bob"]), at(120));
    game.advance(at(200));
    summaries(&mut game);
    game.apply(Input::Stop { reason: "SIGINT".into() }, at(250));
    assert_eq!(summaries(&mut game), ["result 2 1. bob 0", "bye SIGINT"]);
    let mut game = simple(false, 0, GameEnds::default());
    game.apply(moves(1, &["N ann", "N ann"]), at(10));
    game.apply(moves(3, &["S eve"]), at(10));
    game.advance(at(100));
    for connection in [1, 3] {
        game.apply(Input::Disconnected { from: tcp(connection), reason: "gone".into() }, at(110));
    }
    summaries(&mut game);
    game.apply(Input::Stop { reason: "SIGINT".into() }, at(250));
    assert_eq!(summaries(&mut game), ["result 1 1. ann 2", "bye SIGINT"], "Eve had no score");
}

#[test]
fn a_player_that_is_out_comes_back_with_its_first_action_after_a_while() {
    let mut game = simple(false, 0, GameEnds::default());
    game.apply(moves(1, &["S ann"]), at(10));
    game.advance(at(100));
    assert_eq!(game.state().players[0].alive, Some(false));
    game.apply(moves(1, &["N ann"]), at(1600));
    assert_eq!(refusals(&mut game), ["ann is out, and can come back in 1.5 s"]);
    game.apply(moves(1, &["N ann"]), at(3100));
    assert_eq!(refusals(&mut game), [""; 0]);
    assert_eq!(game.state().players[0].alive, Some(true));
}

#[test]
fn rules_can_refuse_an_action() {
    let mut game = simple(false, 0, GameEnds::default());
    summaries(&mut game);
    game.apply(moves(1, &["N ann", "W ann"]), at(10));
    assert_eq!(refusals(&mut game), ["not to the west"]);
    assert_eq!(summaries(&mut game), ["ann joined", "N ann"]);
}

#[test]
fn rounds_end_by_the_rules_or_by_turns_and_the_last_one_ends_the_game() {
    let ends = GameEnds { rounds: Some(2), turns: Some(5), duration: None };
    let mut game = simple(false, 0, ends);
    game.apply(moves(1, &["N ann", "N ann"]), at(10));
    game.apply(moves(2, &["E bob"]), at(10));
    summaries(&mut game);
    game.advance(at(100));
    assert_eq!(
        summaries(&mut game),
        ["turn 2 1=2", "result 1 1. ann 2 2. bob 0", "round 2 seed 8"]
    );
    assert!(game.state().cells.is_empty());
    game.apply(moves(2, &["N bob"]), at(110));
    advance(&mut game, 200, 600);
    assert_eq!(
        summaries(&mut game),
        ["N bob", "turn 3 2=1", "result 2 1. bob 1 2. ann 0", "bye 2 rounds played"]
    );
    assert!(game.has_ended());
}

#[test]
fn a_stopped_game_emits_its_result() {
    let mut game = simple(false, 0, GameEnds::default());
    game.apply(moves(1, &["N ann"]), at(10));
    game.advance(at(100));
    summaries(&mut game);
    game.apply(Input::Stop { reason: "SIGINT".into() }, at(150));
    assert_eq!(summaries(&mut game), ["result 1 1. ann 1", "bye SIGINT"]);
}

#[test]
fn ends_hold_for_walk_too_whose_score_is_the_number_of_moves() {
    let ends = GameEnds { rounds: None, turns: None, duration: Some(at(2500)) };
    let mut game = Game::new(GameConfig { ends, stay: true, ..config("0:1") });
    game.advance(at(0));
    game.apply(started(1), at(0));
    game.apply(printed(1, &["N john", "N john", "S mary"]), at(500));
    game.advance(at(2499));
    summaries(&mut game);
    game.advance(at(2500));
    assert_eq!(game.outbox().effects.last(), Some(&Effect::TerminatePrograms));
    assert_eq!(summaries(&mut game), ["result 1 1. john 2 2. mary 1"]);
    game.apply(printed(1, &["N john", "N bill"]), at(2550));
    assert_eq!(summaries(&mut game), [""; 0], "nothing counts after the result");
    game.apply(exited(1), at(2600));
    assert!(summaries(&mut game).last().unwrap().starts_with("bye duration of 2.5 s reached"));
    let ends = GameEnds { rounds: Some(1), turns: Some(3), duration: None };
    let mut game = Game::new(GameConfig { ends, stay: true, ..config("") });
    advance(&mut game, 0, 2000);
    assert_eq!(summaries(&mut game), ["round 1 seed 7", "bye 1 round played"]);
}

fn any_step() -> impl Strategy<Value = Input> {
    let name = prop::sample::select(vec!["N ann", "N ann", "S ann", "E bob", "W eve", "N eve"]);
    prop_oneof![
        6 => (1u64..4, prop::collection::vec(name, 0..3)).prop_map(|(connection, steps)| moves(connection, &steps)),
        1 => (1u64..4).prop_map(|connection| Input::Disconnected { from: tcp(connection), reason: "gone".into() }),
    ]
}

proptest! {
    /// The same as without turns: a state taken at any moment, with the events after it applied, is the
    /// state of the game.
    #[test]
    fn state_plus_events_is_the_next_state_in_a_game_with_turns(
        inputs in prop::collection::vec((any_step(), 0u64..2000), 0..60),
        join in 0usize..60,
        lockstep in any::<bool>(),
        rounds in prop::option::of(1u64..5),
        turns in prop::option::of(1u64..20),
    ) {
        let mut game = simple(lockstep, 0, GameEnds { rounds, turns, duration: None });
        take(&mut game);
        follow(&mut game, inputs, join, |_, _| {});
    }
}

mod players;

use proptest::prelude::*;
use tribune_protocol::{Direction, Turn};

use super::*;

fn snake(board: BoardSize, lockstep: bool, respawn: Option<Duration>, ends: GameEnds) -> Game {
    let turns = TurnConfig { period: at(100), lockstep, min_players: 0, referee_timeout: at(500) };
    let rules = RulesConfig::Snake;
    let mut game =
        Game::new(GameConfig { rules, board, turns, respawn, ends, stay: true, ..config("") });
    game.advance(at(0));
    game
}

/// The turns among `events`.
fn turns(events: Vec<EventKind>) -> Vec<Turn> {
    let turn = |kind| if let EventKind::Turn(turn) = kind { Some(turn) } else { None };
    events.into_iter().filter_map(turn).collect()
}

const BOARD: BoardSize = BoardSize { width: 32, height: 16 };

#[test]
fn food_is_there_from_the_first_turn_on_and_turns_without_changes_are_skipped() {
    let mut game = snake(BOARD, false, None, GameEnds::default());
    game.advance(at(10_000));
    let turns = turns(emitted(&mut game));
    let numbers: Vec<u64> = turns.iter().map(|turn| turn.turn).collect();
    assert_eq!(numbers, [1]);
    assert!(turns[0].cells.iter().all(|cell| cell.glyph.unwrap().char().is_ascii_digit()));
}

#[test]
fn moves_have_the_cell_of_the_head_and_turns_the_next_one() {
    let mut game = snake(BOARD, false, None, GameEnds::default());
    emitted(&mut game);
    game.apply(moves(1, &["W ann"]), at(10));
    let [EventKind::Joined { x, y, .. }, EventKind::Move { x: head_x, y: head_y, .. }] =
        emitted(&mut game)[..]
    else {
        panic!("it joins and moves")
    };
    assert_eq!((x, y), (head_x, head_y));
    game.advance(at(100));
    game.advance(at(200));
    let heads: Vec<(u16, u16)> = turns(emitted(&mut game))
        .iter()
        .map(|turn| turn.cells.iter().find(|cell| cell.player == PlayerId(1)).unwrap())
        .map(|cell| (cell.x, cell.y))
        .collect();
    assert_eq!(heads, [(x, y), BOARD.neighbour((x, y), Direction::West)]);
    game.apply(moves(1, &["E ann"]), at(210));
    let (events, effects) = take(&mut game);
    assert_eq!(events, []);
    let [Effect::Refuse(_, refusal)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(refusal.message, "ann travels W and cannot turn back");
}

fn any_input() -> impl Strategy<Value = Input> {
    let action = (1u64..4, prop::sample::select(Direction::ALL.to_vec()), 0..3_usize);
    let action = action.prop_map(|(connection, direction, name)| {
        let name = ["ann", "bob", "cid"][name];
        moves(connection, &[&format!("{direction} {name}")])
    });
    let gone = (1u64..4).prop_map(|connection| Input::Disconnected {
        from: tcp(connection),
        reason: "it closed".to_owned(),
    });
    prop_oneof![12 => action, 1 => gone]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Short games on small boards, on which snakes meet soon.
    #[test]
    fn state_plus_events_is_the_next_state_in_10_000_games_of_snake(
        (width, height) in (1u16..10, 1u16..8),
        inputs in prop::collection::vec((any_input(), 30u64..150), 0..18),
        join in 0usize..18,
        lockstep in any::<bool>(),
        returns in any::<bool>(),
        turns in prop::option::of(1u64..15),
    ) {
        let ends = GameEnds { rounds: None, turns, duration: None };
        let respawn = returns.then_some(at(300));
        let mut game = snake(BoardSize { width, height }, lockstep, respawn, ends);
        take(&mut game);
        follow(&mut game, inputs, join, |_, _| {});
    }
}

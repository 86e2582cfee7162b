mod properties;
mod python;
mod scene;

use tribune_protocol::{Action, BoardSize, Direction, Name, Origin, PlayerId, WorkerId};

use self::scene::Scene;
use super::*;

const BOARD: BoardSize = BoardSize { width: 32, height: 16 };
const ANN: PlayerId = PlayerId(1);
const BOB: PlayerId = PlayerId(2);

fn enter(snake: &mut Snake, player: PlayerId, name: &str) -> Cell {
    let name: Name = name.parse().unwrap();
    snake.enter(player, Origin::program(WorkerId(1)), &name)
}

fn go(snake: &mut Snake, player: PlayerId, direction: Direction) -> Result<Cell, String> {
    snake.act(player, Cell { x: 0, y: 0 }, &Action::Move(direction))
}

/// The cell and the player of each cell of a snake that `turn` has drawn.
fn drawn(turn: &TurnOutcome) -> Vec<(Cell, PlayerId)> {
    let cells = turn.cells.iter().filter(|cell| cell.player != PlayerId(0));
    cells.map(|cell| (Cell { x: cell.x, y: cell.y }, cell.player)).collect()
}

#[test]
fn snakes_go_straight_on_across_the_edge() {
    let mut scene = Scene::new(&[
        "aaA....", //
        ".......", ".Bbb...",
    ]);
    assert_eq!(scene.turn(""), ["", ""]);
    assert_eq!(scene.draw(), [".aaA...", ".......", "Bbb...."]);
    scene.turn("ann S, bob N");
    assert_eq!(scene.draw(), ["..aa...", "B..A...", "bb....."]);
    scene.turn("ann E, bob W");
    assert_eq!(scene.draw(), ["...a...", "b..aA.B", "b......"]);
}

#[test]
fn food_is_eaten_by_its_value_and_feeds_from_the_next_turn_on() {
    let mut scene = Scene::new(&["aaA2....."]);
    assert_eq!(scene.turn(""), ["ann 2", ""]);
    assert_eq!(scene.draw(), [".aaA....."]);
    scene.turn("");
    assert_eq!(scene.draw(), [".aaaA...."]);
    scene.turn("");
    assert_eq!(scene.draw(), [".aaaaA..."]);
    scene.turn("");
    assert_eq!(scene.draw(), ["..aaaaA.."]);
}

#[test]
fn a_head_can_follow_a_tail_that_leaves_its_cell() {
    let mut scene = Scene::new(&[
        "aA.", // Its neck is south of its head, its tail west.
        "aa.", "Bbb",
    ]);
    assert_eq!(scene.turn("ann W"), ["", ""]);
    assert_eq!(scene.draw(), ["Aa.", "aa.", "bbB"]);
}

#[test]
fn a_head_that_enters_a_body_dies_and_its_snake_vanishes() {
    let mut scene = Scene::new(&[
        "aaaaaA.", //
        ".......", ".......",
    ]);
    assert_eq!(["ann S", "ann W"].map(|turn| scene.turn(turn)), [["", ""], ["", ""]]);
    assert_eq!(scene.turn("ann N"), ["", "ann ran into itself"]);
    assert_eq!(scene.draw(), ["......."; 3]);
    let mut scene = Scene::new(&[
        "bbbB.", //
        "..A..", "..a..",
    ]);
    assert_eq!(scene.turn(""), ["", "ann ran into bob"]);
    assert_eq!(scene.draw(), [".bbbB", ".....", "....."]);
}

#[test]
fn heads_that_exchange_cells_run_into_each_other() {
    let mut scene = Scene::new(&["aaABbb."]);
    assert_eq!(scene.turn(""), ["", "ann ran into bob, bob ran into ann"]);
    assert_eq!(scene.draw(), ["......."]);
}

#[test]
fn the_longest_of_heads_that_meet_lives_and_eats() {
    let mut scene = Scene::new(&["aaA5Bbbb."]);
    assert_eq!(scene.turn(""), ["bob 5", "ann met bob, which was longer"]);
    assert_eq!(scene.draw(), ["...Bbbb.."]);
}

#[test]
fn heads_of_equal_length_that_meet_die_and_leave_the_food() {
    let mut scene = Scene::new(&["aaA5Bbb.."]);
    let deaths = "ann met bob, which was as long, bob met ann, which was as long";
    assert_eq!(scene.turn(""), ["", deaths]);
    assert_eq!(scene.draw(), ["...5....."]);
}

#[test]
fn a_snake_enters_as_a_head_and_grows_to_three() {
    let mut snake = Snake::new(BOARD, 7);
    let announced = enter(&mut snake, ANN, "ann");
    assert_eq!(go(&mut snake, ANN, Direction::West), Ok(announced));
    let entry = drawn(&snake.turn(1));
    assert_eq!(entry, [(announced, ANN)]);
    for (turn, length) in [(2, 2), (3, 3), (4, 3)] {
        let outcome = snake.turn(turn);
        assert_eq!(drawn(&outcome).len(), 1);
        let left = (announced.x + 32 - u16::try_from(turn - 1).unwrap()) % 32;
        assert_eq!(drawn(&outcome)[0].0, Cell { x: left, ..announced });
        let Life::Alive(body) = &snake.players[&ANN].life else { panic!("it is alive") };
        assert_eq!(body.len(), length);
    }
}

#[test]
fn a_player_that_was_never_steered_moves_too() {
    let mut snake = Snake::new(BOARD, 7);
    let entry = enter(&mut snake, ANN, "ann");
    snake.turn(1);
    let head = drawn(&snake.turn(2))[0].0;
    assert!(Direction::ALL.iter().any(|&way| snake.board.neighbour(entry, way) == head));
}

#[test]
fn refused_directions_are_explained() {
    let mut scene = Scene::new(&[".aaA..."]);
    let snake = &mut scene.snake;
    let refusal = go(snake, ANN, Direction::West).unwrap_err();
    assert_eq!(refusal, "ann travels E and cannot turn back");
    assert_eq!(go(snake, ANN, Direction::North), Ok(Cell { x: 3, y: 0 }));
    assert_eq!(go(snake, ANN, Direction::West), Ok(Cell { x: 3, y: 0 }));
    let refusal = go(snake, ANN, Direction::South).unwrap_err();
    assert_eq!(refusal, "ann has 2 directions queued already");
    let action = Action::Other("rock".try_into().unwrap());
    let refusal = snake.act(ANN, Cell { x: 0, y: 0 }, &action).unwrap_err();
    assert_eq!(refusal, "a snake can only move: N, S, E or W");
}

#[test]
fn a_player_that_is_out_returns_by_its_next_action_and_keeps_its_score() {
    let mut scene = Scene::new(&["aaA5Bbbb..........", ".................."]);
    scene.snake.players.get_mut(&ANN).unwrap().score = 4;
    scene.turn("");
    assert!(matches!(scene.snake.players[&ANN].life, Life::Out(1)));
    go(&mut scene.snake, ANN, Direction::North).unwrap();
    let outcome = scene.snake.turn(2);
    assert!(drawn(&outcome).iter().any(|&(_, player)| player == ANN), "{outcome:?}");
    assert_eq!(scene.snake.players[&ANN].score, 4);
}

#[test]
fn the_cells_of_a_player_that_leaves_are_emptied_in_the_next_turn() {
    let mut scene = Scene::new(&["aaA......"]);
    scene.snake.board.take_changes();
    scene.snake.leave(ANN);
    let emptied = scene.snake.turn(1).cells;
    let emptied: Vec<u16> =
        emptied.iter().filter(|cell| cell.glyph.is_none()).map(|cell| cell.x).collect();
    // One of them may have got food at once.
    assert!(emptied.iter().all(|&x| x < 3) && !emptied.is_empty(), "{emptied:?}");
    assert_eq!(scene.snake.players.len(), 0);
}

#[test]
fn players_of_one_name_enter_at_different_cells() {
    let mut snake = Snake::new(BOARD, 7);
    assert_eq!(enter(&mut snake, BOB, "ann"), enter(&mut snake, ANN, "ann"));
    let mut entered = drawn(&snake.turn(1));
    entered.sort_by_key(|&(_, player)| player);
    assert!(matches!(entered[..], [(a, ANN), (b, BOB)] if a != b), "{entered:?}");
}

#[test]
fn the_last_snake_wins_and_the_others_rank_by_how_long_they_lived() {
    let mut scene = Scene::new(&[
        "aaABbb...", // They exchange cells at once.
        ".........",
        "cccC.....",
        ".........",
        "........d",
        "...Dddddd",
    ]);
    scene.snake = scene.snake.without_respawn();
    scene.snake.entered = 4;
    scene.snake.players.get_mut(&BOB).unwrap().score = 3;
    assert_eq!(scene.snake.turn(1).result, None);
    let ann_and_bob = [vec![BOB], vec![ANN]];
    scene.snake.leave(PlayerId(3));
    let result = scene.snake.turn(2).result;
    let ranking = [vec![vec![PlayerId(4)]], ann_and_bob.to_vec()].concat();
    assert_eq!(result, Some(RoundResult::Ranking(ranking)));
}

#[test]
fn a_lone_snake_does_not_end_the_round() {
    let mut snake = Snake::new(BOARD, 7).without_respawn();
    assert_eq!(snake.turn(1).result, None);
    enter(&mut snake, ANN, "ann");
    assert_eq!(snake.turn(2).result, None);
    enter(&mut snake, BOB, "bob");
    assert_eq!(snake.turn(3).result, None);
    snake.leave(BOB);
    assert_eq!(snake.turn(4).result, Some(RoundResult::Ranking(vec![vec![ANN]])));
    snake.begin_round(8);
    enter(&mut snake, ANN, "ann");
    assert_eq!(snake.turn(5).result, None);
}

#[test]
fn a_round_begins_with_an_empty_board() {
    let mut snake = Snake::new(BOARD, 7);
    enter(&mut snake, ANN, "ann");
    snake.turn(1);
    snake.begin_round(8);
    assert!(snake.players.is_empty());
    let outcome = snake.turn(2);
    assert_eq!(outcome.cells.len(), snake.board.food());
}

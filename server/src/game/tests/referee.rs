//! A game that a referee decides, whose lines are written here.

use tribune_protocol::{Action, Line, PlayerAction};

use super::*;
use crate::rules::Referee;

const LIMIT: Duration = Duration::from_millis(500);

/// A game with a turn every 100 ms, or in lockstep, whose referee has printed `first` in its first turn.
fn refereed(lockstep: bool, first: &str) -> Game {
    let mut referee = Referee::new(BoardSize { width: 8, height: 4 }, "ref.py".into());
    referee.begin(7);
    assert_eq!(referee.take_input(), "game 7 8 4\nturn 1\n");
    for text in first.lines() {
        let line = Line::Whole(text.as_bytes().to_vec().into());
        if let Some(outcome) = referee.receive(&line).unwrap() {
            referee.keep_first(outcome);
        }
    }
    let turns = TurnConfig { period: at(100), lockstep, min_players: 0, referee_timeout: LIMIT };
    let config = GameConfig { turns, stay: true, seed: 7, ..config("") };
    let words = vec!["python3".to_owned(), "ref.py".to_owned()];
    let program = Arc::new(crate::schedule::Program::external(words.clone()));
    let mut game = Game::with_referee(config, referee, program, words);
    assert_eq!(game.seq(), Seq(0), "the game has not begun");
    game.advance(at(0));
    game
}

fn printed(game: &mut Game, lines: &str, now: u64) {
    let lines = lines.lines().map(|text| Line::Whole(text.as_bytes().to_vec().into()));
    game.apply(Input::RefereePrinted(lines.collect()), at(now));
}

fn act(game: &mut Game, connection: u64, action: &str, name: &str, now: u64) {
    let action = Action::Other(action.try_into().unwrap());
    let actions = vec![PlayerAction { action, name: name.parse().unwrap() }];
    game.apply(Input::Actions { from: tcp(connection), actions }, at(now));
}

/// The events since the last call, as JSON without `seq`, `ms` and `type`, after their types.
fn events(game: &mut Game) -> Vec<String> {
    let kinds = emitted(game).into_iter();
    kinds
        .map(|kind| serde_json::to_value(kind).unwrap())
        .filter(|kind| kind["type"] != "clock")
        .map(|mut kind| {
            let fields = kind.as_object_mut().unwrap();
            let name = fields.remove("type").unwrap();
            format!("{} {kind}", name.as_str().unwrap())
        })
        .collect()
}

fn refusals(game: &mut Game) -> Vec<String> {
    let effects = std::mem::take(&mut game.outbox().effects).into_iter();
    let refusals = effects.filter_map(|effect| match effect {
        Effect::Refuse(_, refusal) => Some(refusal.message),
        _ => None,
    });
    refusals.collect()
}

/// How the referee has failed, if it has.
fn failure(game: &Game) -> Option<String> {
    match game.outcome() {
        Outcome::RefereeFailed(failure) => Some(failure.to_string()),
        _ => None,
    }
}

/// Has the referee exit, after it was terminated. Returns the reason of `bye`.
fn bye(game: &mut Game, now: u64) -> String {
    assert!(game.outbox().effects.contains(&Effect::TerminatePrograms));
    game.apply(Input::Exited { program: REFEREE, exit: Exit::Signal { signal: 15 } }, at(now));
    assert!(game.has_ended());
    match emitted(game).pop() {
        Some(EventKind::Bye { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_game_begins_with_the_first_turn_of_the_referee() {
    let mut game = refereed(false, "name rps\nactions rock|paper\nnote hello\ngo");
    assert_eq!(game.rules_name(), "rps");
    assert!(game.actions().parse("rock ann").is_ok());
    assert_eq!(
        events(&mut game),
        [
            r#"started {"command":["python3","ref.py"],"label":"ps#1 (referee ref.py)","worker":1}"#,
            r#"round {"round":1,"seed":7}"#,
            r#"turn {"notes":["hello"],"turn":1}"#,
        ]
    );
    assert_eq!(game.take_referee_input(), "");
}

#[test]
fn a_turn_is_complete_when_the_referee_prints_go() {
    let mut game = refereed(false, "actions [a-z]+\ngo");
    events(&mut game);
    act(&mut game, 1, "jump", "ann", 50);
    game.advance(at(100));
    assert_eq!(game.take_referee_input(), "join 1 ann\nact 1 jump\nturn 2\n");
    assert_eq!(events(&mut game).len(), 2, "joined and action");
    printed(&mut game, "score 1 5\ndraw 2 3 a 1", 140);
    act(&mut game, 1, "run", "ann", 150);
    assert_eq!(game.next_due(), Some(at(600)), "the limit of the turn");
    printed(&mut game, "go", 160);
    let action = r#"action {"action":"run","from":"tcp#1","name":"ann","player":1}"#;
    let turn = r#"turn {"cells":[[2,3,"a",1]],"scores":[[1,5]],"turn":2}"#;
    assert_eq!(events(&mut game), [action, turn]);
    assert_eq!(game.next_due(), Some(at(260)), "a whole period after the outcome");
    game.advance(at(260));
    assert_eq!(game.take_referee_input(), "act 1 run\nturn 3\n");
}

#[test]
fn unchanged_values_are_not_emitted() {
    let mut game = refereed(false, "actions [a-z]+\ngo");
    act(&mut game, 1, "jump", "ann", 50);
    let lines = "draw 0 0 a 1\ndraw 1 0 .\nscore 1 0\nout 1 fell\ngo";
    let mut turn = |now, lines| {
        game.advance(at(now));
        events(&mut game);
        printed(&mut game, lines, now);
        events(&mut game)
    };
    let first = r#"turn {"cells":[[0,0,"a",1]],"out":[[1,"fell"]],"turn":2}"#;
    assert_eq!(turn(100, lines), [first]);
    assert_eq!(turn(200, lines), [""; 0]);
    let player_changed = r#"turn {"cells":[[0,0,"a",0]],"scores":[[1,1]],"turn":4}"#;
    assert_eq!(turn(300, "draw 0 0 a\nscore 1 1\ngo"), [player_changed]);
}

#[test]
fn in_lockstep_actions_that_come_while_a_turn_is_played_are_late() {
    let mut game = refereed(true, "actions [a-z]+\ngo");
    act(&mut game, 1, "rock", "ann", 10);
    assert_eq!(game.take_referee_input(), "join 1 ann\nact 1 rock\nturn 2\n");
    act(&mut game, 1, "paper", "ann", 20);
    assert_eq!(refusals(&mut game), ["too late: turn 2 is being played already"]);
    // A player that joins now is not late.
    act(&mut game, 2, "paper", "bob", 30);
    assert_eq!(refusals(&mut game), [""; 0]);
    act(&mut game, 2, "rock", "bob", 30);
    assert_eq!(refusals(&mut game), ["bob has acted in turn 3 already"]);
    printed(&mut game, "go", 40);
    act(&mut game, 1, "scissors", "ann", 50);
    assert_eq!(game.take_referee_input(), "join 2 bob\nact 1 scissors\nact 2 paper\nturn 3\n");
}

#[test]
fn in_lockstep_a_player_that_is_out_in_the_turn_in_which_it_joins_stays_out() {
    let mut game = refereed(true, "actions [a-z]+\ngo");
    act(&mut game, 1, "rock", "ann", 10);
    act(&mut game, 2, "paper", "bob", 20);
    printed(&mut game, "out 2 too late for this round\ngo", 30);
    refusals(&mut game);
    act(&mut game, 1, "rock", "ann", 40);
    assert_eq!(refusals(&mut game), ["bob is out until the next round"]);
    assert_eq!(game.state().players[1].alive, Some(false));
    assert!(!game.take_referee_input().contains("act 2"));
}

#[test]
fn in_lockstep_a_turn_can_begin_with_the_end_of_the_one_before() {
    let mut game = refereed(true, "actions [a-z]+\ngo");
    act(&mut game, 1, "rock", "ann", 10);
    act(&mut game, 2, "paper", "bob", 20);
    game.apply(Input::Disconnected { from: tcp(1), reason: "gone".into() }, at(30));
    printed(&mut game, "go", 40);
    let input = game.take_referee_input();
    assert_eq!(input, "join 1 ann\nact 1 rock\nturn 2\njoin 2 bob\nleave 1\nact 2 paper\nturn 3\n");
}

#[test]
fn a_result_begins_the_next_round() {
    let mut game = refereed(false, "actions [a-z]+\ngo");
    act(&mut game, 1, "jump", "ann", 50);
    act(&mut game, 2, "jump", "bob", 50);
    game.advance(at(100));
    game.take_referee_input();
    events(&mut game);
    printed(&mut game, "score 2 3\nresult 2 1\ngo", 110);
    let [turn, result, round] = &events(&mut game)[..] else { panic!("three events") };
    assert!(turn.starts_with("turn ") && result.contains(r#""player":2,"rank":1"#), "{result}");
    assert_eq!(round, r#"round {"round":2,"seed":8}"#);
    assert_eq!(game.take_referee_input(), "game 8 8 4\njoin 1 ann\njoin 2 bob\n");
}

#[test]
fn the_referee_ends_the_game_with_or_without_go() {
    for last in ["end ann has won\ngo", "end ann has won"] {
        let mut game = refereed(false, "go");
        game.advance(at(100));
        printed(&mut game, last, 110);
        if last.ends_with("go") {
            assert_eq!(bye(&mut game, 120), "ann has won");
        } else {
            assert!(!game.outbox().effects.contains(&Effect::TerminatePrograms));
            let exit = Exit::Code { code: 0 };
            game.apply(Input::Exited { program: REFEREE, exit }, at(120));
            let want = EventKind::Bye { reason: "ann has won".into() };
            assert_eq!(emitted(&mut game).pop(), Some(want));
        }
        assert_eq!(failure(&game), None);
    }
}

#[test]
fn no_round_begins_when_the_referee_ends_the_game_with_a_result() {
    for last in ["result 2 1\nend bob has won\ngo", "end bob has won\nresult 2 1\ngo"] {
        let mut game = refereed(false, "actions [a-z]+\ngo");
        act(&mut game, 1, "jump", "ann", 50);
        act(&mut game, 2, "jump", "bob", 50);
        game.advance(at(100));
        events(&mut game);
        printed(&mut game, last, 110);
        game.apply(Input::Exited { program: REFEREE, exit: SUCCESS }, at(120));
        let events = events(&mut game);
        let kinds: Vec<_> = events.iter().filter_map(|event| event.split(' ').next()).collect();
        assert_eq!(kinds, ["result", "exited", "bye"]);
        assert!(events[0].contains(r#""player":2,"rank":1"#) && events[2].contains("bob has won"));
    }
}

#[test]
fn a_wrong_line_ends_the_game_without_a_result() {
    let mut game = refereed(false, "go");
    act(&mut game, 1, "jump", "ann", 50);
    game.advance(at(100));
    let before = game.seq();
    printed(&mut game, "draw 8 0 a 1\ngo\ngo", 110);
    assert_eq!(game.seq(), before, "no turn and no result");
    let want = "the referee ref.py failed: line 2, \"draw 8 0 a 1\": the cell is off the board: \
                expected X from 0 to 7 and Y from 0 to 3";
    assert_eq!(failure(&game).unwrap(), want);
    assert_eq!(bye(&mut game, 120), want);
}

#[test]
fn a_referee_that_does_not_answer_ends_the_game() {
    let mut game = refereed(false, "go");
    game.advance(at(100));
    game.advance(at(599));
    assert_eq!(failure(&game), None);
    // Its answer may be in the mailbox if the game itself did not run for a while.
    game.advance(at(5000));
    assert_eq!(failure(&game), None);
    let due = game.next_due().unwrap();
    assert_eq!(due, at(5200));
    game.advance(due);
    let want = "the referee ref.py failed: after line 1: turn 2 was not completed within 0.5 s: expected go, and a flush after it";
    assert_eq!(bye(&mut game, 5300), want);
}

#[test]
fn a_referee_that_exits_or_does_not_read_ends_the_game() {
    let mut game = refereed(false, "go");
    game.apply(Input::Exited { program: REFEREE, exit: Exit::Signal { signal: 9 } }, at(50));
    assert!(game.has_ended());
    let failure = failure(&game).unwrap();
    assert!(failure.ends_with("after line 1: it exited without end: exit signal 9"), "{failure}");

    let mut game = refereed(false, "go");
    game.referee_is_not_reading(5_000_000);
    assert!(bye(&mut game, 60).contains("5000000 bytes wait to be read"));
}

#[test]
fn the_referee_ends_with_the_programs_of_its_game() {
    let mut game = refereed(false, "go");
    game.stay = false;
    game.apply(Input::Disconnected { from: tcp(1), reason: "gone".into() }, at(50));
    assert!(!game.has_ended(), "the referee is still to exit");
    assert_eq!(bye(&mut game, 60), NO_PROCESS_LEFT);
    assert_eq!(failure(&game), None);
}

mod referee;
mod refereed;
mod rules;
mod snake;
mod turns;

use proptest::prelude::*;
use tribune_protocol::{Action, BoardSize, ConnectionId, Move, Name, PlayerId};

use super::*;
use crate::{
    rules::{Cell, TurnOutcome},
    schedule::{PredefCommand, parse_script},
};

const SUCCESS: Exit = Exit::Code { code: 0 };

fn config(script: &str) -> GameConfig {
    GameConfig::walk(parse_script(script, &PredefCommand::BuiltIn).unwrap())
}

/// A game without programs that continues until it is stopped.
fn open_game() -> Game {
    Game::new(GameConfig { stay: true, ..config("") })
}

/// Takes everything out of the outbox.
fn take(game: &mut Game) -> (Vec<Event>, Vec<Effect>) {
    let outbox = game.outbox();
    let events = outbox.events.lines().map(|line| serde_json::from_slice(line).unwrap()).collect();
    outbox.events.clear();
    (events, std::mem::take(&mut outbox.effects))
}

/// Takes everything out of the outbox, and returns the events.
fn emitted(game: &mut Game) -> Vec<EventKind> {
    take(game).0.into_iter().map(|event| event.kind).collect()
}

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn step(text: &str) -> Move {
    Move::parse(text).unwrap()
}

/// The `n`-th connection.
fn tcp(n: u64) -> Origin {
    Origin::tcp(ConnectionId(n))
}

fn moves(connection: u64, steps: &[&str]) -> Input {
    let actions = steps.iter().map(|text| step(text).into()).collect();
    Input::Actions { from: tcp(connection), actions }
}

fn printed(program: u64, lines: &[&str]) -> Input {
    let lines = lines.iter().map(|line| match Move::parse(line) {
        Ok(step) => OutputLine::Action(step.into()),
        Err(_) => OutputLine::Other { line: (*line).to_owned(), cut: false, refused: None },
    });
    Input::Printed {
        program: WorkerId(program),
        stream: OutputStream::Stdout,
        lines: lines.collect(),
    }
}

fn started(program: u64) -> Input {
    Input::Started { program: WorkerId(program), command: vec!["bot".into()] }
}

fn exited(program: u64) -> Input {
    Input::Exited { program: WorkerId(program), exit: SUCCESS }
}

/// The numbers of the programs that `effects` ask to start.
fn launched(effects: &[Effect]) -> Vec<u64> {
    let launches = effects.iter().filter_map(|effect| match effect {
        Effect::Launch(request) => Some(request.id.0),
        _ => None,
    });
    launches.collect()
}

#[test]
fn clock_ticks_at_0_and_then_without_drift() {
    let mut game = open_game();
    let mut ticks = Vec::new();
    for now in [0, 999, 1003, 1999, 2700, 3000] {
        game.advance(at(now));
        ticks.extend(take(&mut game).0.into_iter().map(|event| (event.ms, event.kind)));
    }
    let want = [(0, 0), (1003, 1), (2700, 2), (3000, 3)];
    assert_eq!(ticks, want.map(|(ms, clock)| (ms, EventKind::Clock { clock })));
    assert_eq!(game.next_due(), Some(at(4000)));
}

#[test]
fn late_clock_emits_every_missed_tick() {
    let mut game = open_game();
    game.advance(at(3500));
    assert_eq!(emitted(&mut game), [0, 1, 2, 3].map(|clock| EventKind::Clock { clock }));
}

#[test]
fn long_pause_is_followed_by_the_last_hundred_ticks() {
    let mut game = open_game();
    game.advance(at(0));
    emitted(&mut game);
    game.advance(Duration::from_secs(86_400));
    let ticks = emitted(&mut game);
    let want: Vec<EventKind> = (86_301..=86_400).map(|clock| EventKind::Clock { clock }).collect();
    assert_eq!(ticks, want);
    game.advance(Duration::from_secs(86_401));
    assert_eq!(emitted(&mut game), [EventKind::Clock { clock: 86_401 }]);
}

#[test]
fn game_ends_when_the_last_scheduled_program_exits() {
    let mut game = Game::new(config("0.5:1,0.5:2"));
    game.advance(at(0));
    assert_eq!(emitted(&mut game), [EventKind::Clock { clock: 0 }]);
    game.advance(at(500));
    let (events, effects) = take(&mut game);
    assert_eq!((events.len(), launched(&effects)), (0, vec![1, 2]));
    for input in [started(1), started(2), printed(1, &["N john"]), exited(1), exited(2)] {
        assert!(!game.has_ended());
        game.apply(input, at(600));
    }
    let emitted = emitted(&mut game);
    assert!(
        matches!(&emitted[0], EventKind::Started { label, command, .. } if label == "ps#1 (predef 1)" && command == &["bot"])
    );
    assert!(
        matches!(&emitted[4], EventKind::Left { reason, .. } if reason == "exit code 0"),
        "{emitted:?}"
    );
    assert!(matches!(&emitted[5], EventKind::Exited { running: 1, .. }));
    assert!(matches!(&emitted[6], EventKind::Exited { running: 0, .. }));
    assert_eq!(emitted[7], EventKind::Bye { reason: "no process left".into() });
    assert!(game.has_ended());
    assert_eq!(game.next_due(), None);
}

#[test]
fn ended_game_emits_nothing() {
    let mut game = Game::new(config(""));
    game.advance(at(0));
    assert_eq!(
        emitted(&mut game).last(),
        Some(&EventKind::Bye { reason: "no process left".into() })
    );
    game.apply(moves(1, &["N ann"]), at(1));
    game.apply(Input::FromKeyboard(Predef::One), at(1));
    game.advance(at(5000));
    assert_eq!(take(&mut game), (vec![], vec![]));
}

#[test]
fn first_move_of_a_player_joins_it() {
    let mut game = open_game();
    game.apply(moves(7, &["E ann", "S ann"]), at(5));
    let emitted = emitted(&mut game);
    let [
        EventKind::Joined { x: x0, y: y0, .. },
        EventKind::Move { x: x1, y: y1, .. },
        EventKind::Move { x: x2, y: y2, .. },
    ] = emitted[..]
    else {
        panic!("{emitted:?}")
    };
    assert_eq!((x1, y1), ((x0 + 1) % 32, y0));
    assert_eq!((x2, y2), (x1, (y1 + 1) % 16));
}

#[test]
fn same_name_from_two_origins_is_two_players() {
    let mut game = Game::new(config("0:1"));
    game.advance(at(0));
    for input in [started(1), printed(1, &["N john"]), moves(1, &["N john"]), moves(2, &["N john"])]
    {
        game.apply(input, at(1));
    }
    let players = game.state().players;
    let identities: Vec<_> =
        players.iter().map(|player| (player.id.0, player.from.to_string(), player.moves)).collect();
    assert_eq!(identities, [(1, "ps#1".into(), 1), (2, "tcp#1".into(), 1), (3, "tcp#2".into(), 1)]);
    take(&mut game);
    game.apply(Input::Disconnected { from: tcp(1), reason: "gone".into() }, at(2));
    let emitted = emitted(&mut game);
    assert!(
        matches!(&emitted[..], [EventKind::Left { player, .. }] if player.0 == 2),
        "{emitted:?}"
    );
    assert_eq!(game.state().players.len(), 2);
}

#[test]
fn lines_that_are_not_moves_become_output_events() {
    let mut game = Game::new(config("0:1"));
    game.advance(at(0));
    game.apply(started(1), at(1));
    take(&mut game);
    game.apply(printed(1, &["thinking", "N john"]), at(1));
    let emitted = emitted(&mut game);
    assert!(
        matches!(&emitted[0], EventKind::Output { line, stream: OutputStream::Stdout, .. } if line == "thinking")
    );
    assert_eq!(emitted.len(), 3);
}

#[test]
fn program_that_cannot_start_is_reported_and_the_game_continues() {
    let mut game = Game::new(config("0:1,1:2"));
    game.advance(at(0));
    take(&mut game);
    let exit = Exit::NotStarted { code: 127, reason: "no such file".into() };
    game.apply(Input::Exited { program: WorkerId(1), exit: exit.clone() }, at(1));
    let label = "ps#1 (predef 1)".into();
    assert_eq!(
        emitted(&mut game),
        [EventKind::Exited { worker: WorkerId(1), label, exit, running: 0 }]
    );
    assert!(!game.has_ended());
}

#[test]
fn predef_from_keyboard_starts_now_and_keeps_the_game_running() {
    let mut game = Game::new(config("0:1"));
    game.advance(at(0));
    game.apply(Input::FromKeyboard(Predef::Four), at(1));
    assert_eq!(launched(&take(&mut game).1), [1, 2]);
    for input in [started(1), started(2), exited(1)] {
        game.apply(input, at(2));
    }
    assert!(!game.has_ended());
    game.apply(exited(2), at(3));
    assert!(game.has_ended());
}

#[test]
fn programs_from_keyboard_are_limited() {
    let mut game = open_game();
    for _ in 0..=MAX_KEYBOARD_PROGRAMS {
        game.apply(Input::FromKeyboard(Predef::One), at(1));
    }
    let effects = take(&mut game).1;
    assert_eq!(launched(&effects).len(), MAX_KEYBOARD_PROGRAMS);
    assert!(matches!(effects.last(), Some(Effect::Message(text)) if text.contains("100 programs")));
}

#[test]
fn staying_game_ends_only_when_stopped() {
    let mut game = Game::new(GameConfig { stay: true, ..config("0:1") });
    game.advance(at(0));
    game.apply(started(1), at(0));
    game.apply(exited(1), at(1));
    game.advance(at(1000));
    assert!(!game.has_ended());
    game.apply(Input::Stop { reason: "interrupted".into() }, at(1001));
    assert_eq!(emitted(&mut game).last(), Some(&EventKind::Bye { reason: "interrupted".into() }));
}

#[test]
fn stopped_game_waits_for_its_programs_and_starts_no_more() {
    let mut game = Game::new(GameConfig { repeat: true, ..config("0:1,1:2") });
    game.advance(at(0));
    game.apply(started(1), at(0));
    take(&mut game);
    game.apply(Input::Stop { reason: "terminated".into() }, at(1));
    game.apply(Input::Stop { reason: "interrupted".into() }, at(2));
    game.apply(Input::FromKeyboard(Predef::One), at(3));
    game.advance(at(3000));
    let (events, effects) = take(&mut game);
    assert!(events.iter().all(|event| matches!(event.kind, EventKind::Clock { .. })));
    assert_eq!(effects, [Effect::TerminatePrograms]);
    game.apply(exited(1), at(3001));
    assert_eq!(emitted(&mut game).last(), Some(&EventKind::Bye { reason: "terminated".into() }));
}

fn any_input() -> impl Strategy<Value = Input> {
    let name = prop::sample::select(vec!["N ann", "S ann", "E bob", "W eve"]);
    prop_oneof![
        4 => (1u64..4, prop::collection::vec(name.clone(), 0..4)).prop_map(|(connection, steps)| moves(connection, &steps)),
        1 => (1u64..4).prop_map(|connection| Input::Disconnected { from: tcp(connection), reason: "gone".into() }),
        2 => (1u64..6).prop_map(started),
        2 => (1u64..6, name).prop_map(|(program, text)| printed(program, &[text, "hm"])),
        1 => (1u64..6).prop_map(exited),
        1 => Just(Input::FromKeyboard(Predef::One)),
    ]
}

/// Applies `inputs`, each after a pause in milliseconds, to a game at 0, and its events to two states: one
/// from the beginning, and one that is taken before the input number `join`. Both are to be the state of the
/// game at any time. Calls `check` with the state after each event.
fn follow(game: &mut Game, inputs: Vec<(Input, u64)>, join: usize, check: impl Fn(&State, &Event)) {
    let mut states = vec![game.state()];
    let mut now = 0;
    for (index, (input, pause)) in inputs.into_iter().enumerate() {
        if index == join {
            states.push(game.state());
        }
        now += pause;
        game.advance(at(now));
        game.apply(input, at(now));
        let events = take(game).0;
        // A state of a game that has ended does not include `bye`.
        let is_bye = |event: &&Event| matches!(event.kind, EventKind::Bye { .. });
        for state in &mut states {
            for event in events.iter().filter(|event| !is_bye(event)) {
                assert!(event.ms >= state.ms, "time does not go back");
                assert_eq!(state.apply(event), Ok(()));
                check(state, event);
            }
            // The time goes on without events, too.
            state.ms = game.state().ms;
            assert_eq!(*state, game.state());
        }
    }
}

proptest! {
    /// A state taken at any moment, with the events after it applied, is the state of the game.
    #[test]
    fn state_plus_events_is_the_next_state(
        inputs in prop::collection::vec((any_input(), 0u64..700), 0..60),
        join in 0usize..60,
    ) {
        let mut game = Game::new(GameConfig { stay: true, ..config("0:1,1:2,3:3") });
        follow(&mut game, inputs, join, |state, event| {
            if let EventKind::Exited { running, .. } = event.kind {
                assert_eq!(running, state.workers.len());
            }
        });
    }
}

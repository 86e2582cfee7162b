use proptest::prelude::*;
use tribune_protocol::ConnectionId;

use super::*;
use crate::schedule::parse_script;

const SUCCESS: Exit = Exit::Code { code: 0 };

fn rules(script: &str) -> Rules {
    Rules {
        board: BoardSize { width: 32, height: 16 },
        tick: Duration::from_secs(1),
        seed: 7,
        script: parse_script(script, &Agent::BuiltIn).unwrap(),
        repeat: false,
        stay: false,
        agent: Agent::BuiltIn,
    }
}

/// A game that nobody but the test plays.
fn open_game() -> Game {
    Game::new(Rules { stay: true, ..rules("") })
}

/// Empties the outbox.
fn said(game: &mut Game) -> (Vec<Event>, Vec<Effect>) {
    let outbox = game.outbox();
    let events = outbox.events.lines().map(|line| serde_json::from_slice(line).unwrap()).collect();
    outbox.events.clear();
    (events, std::mem::take(&mut outbox.effects))
}

fn told(game: &mut Game) -> Vec<EventKind> {
    said(game).0.into_iter().map(|event| event.kind).collect()
}

fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn step(text: &str) -> Move {
    Move::parse(text).unwrap()
}

fn moves(connection: u64, steps: &[&str]) -> Input {
    Input::Moves {
        connection: ConnectionId(connection),
        moves: steps.iter().map(|text| step(text)).collect(),
    }
}

fn printed(worker: u64, lines: &[&str]) -> Input {
    let lines = lines.iter().map(|line| match Move::parse(line) {
        Ok(step) => Printed::Move(step),
        Err(_) => Printed::Other { line: (*line).to_owned(), cut: false },
    });
    Input::Printed {
        worker: WorkerId(worker),
        stream: OutputStream::Stdout,
        lines: lines.collect(),
    }
}

fn started(worker: u64) -> Input {
    Input::Started { worker: WorkerId(worker), command: vec!["bot".into()] }
}

fn exited(worker: u64) -> Input {
    Input::Exited { worker: WorkerId(worker), exit: SUCCESS }
}

/// The numbers of the programs that `effects` launch.
fn launched(effects: &[Effect]) -> Vec<u64> {
    let launches = effects.iter().filter_map(|effect| match effect {
        Effect::Launch(launch) => Some(launch.worker.0),
        _ => None,
    });
    launches.collect()
}

#[test]
fn the_clock_ticks_at_0_and_then_without_drift() {
    let mut game = open_game();
    let mut ticks = Vec::new();
    for now in [0, 999, 1003, 1999, 2700, 3000] {
        game.advance(at(now));
        ticks.extend(said(&mut game).0.into_iter().map(|event| (event.ms, event.kind)));
    }
    let want = [(0, 0), (1003, 1), (2700, 2), (3000, 3)];
    assert_eq!(ticks, want.map(|(ms, clock)| (ms, EventKind::Clock { clock })));
    assert_eq!(game.next_due(), Some(at(4000)));
}

#[test]
fn a_clock_that_was_held_up_leaves_no_tick_out() {
    let mut game = open_game();
    game.advance(at(3500));
    assert_eq!(told(&mut game), [0, 1, 2, 3].map(|clock| EventKind::Clock { clock }));
}

#[test]
fn after_a_long_pause_the_last_hundred_ticks_come_with_their_numbers() {
    let mut game = open_game();
    game.advance(at(0));
    told(&mut game);
    game.advance(Duration::from_secs(86_400));
    let ticks = told(&mut game);
    let want: Vec<EventKind> = (86_301..=86_400).map(|clock| EventKind::Clock { clock }).collect();
    assert_eq!(ticks, want);
    game.advance(Duration::from_secs(86_401));
    assert_eq!(told(&mut game), [EventKind::Clock { clock: 86_401 }]);
}

#[test]
fn programs_start_at_their_times_and_the_last_end_is_the_end() {
    let mut game = Game::new(rules("0.5:1,0.5:2"));
    game.advance(at(0));
    assert_eq!(told(&mut game), [EventKind::Clock { clock: 0 }]);
    game.advance(at(500));
    let (events, effects) = said(&mut game);
    assert_eq!((events.len(), launched(&effects)), (0, vec![1, 2]));
    for input in [started(1), started(2), printed(1, &["N john"]), exited(1), exited(2)] {
        assert!(!game.is_over());
        game.apply(input, at(600));
    }
    let told = told(&mut game);
    assert!(
        matches!(&told[0], EventKind::Started { label, command, .. } if label == "ps#1 (predef 1)" && command == &["bot"])
    );
    assert!(
        matches!(&told[4], EventKind::Left { reason, .. } if reason == "exit code 0"),
        "{told:?}"
    );
    assert!(matches!(&told[5], EventKind::Exited { running: 1, .. }));
    assert!(matches!(&told[6], EventKind::Exited { running: 0, .. }));
    assert_eq!(told[7], EventKind::Bye { reason: "no process left".into() });
    assert!(game.is_over());
    assert_eq!(game.next_due(), None);
}

#[test]
fn a_game_that_is_over_tells_nothing_more() {
    let mut game = Game::new(rules(""));
    game.advance(at(0));
    assert_eq!(told(&mut game).last(), Some(&EventKind::Bye { reason: "no process left".into() }));
    game.apply(moves(1, &["N ann"]), at(1));
    game.apply(Input::Typed(Predef::One), at(1));
    game.advance(at(5000));
    assert_eq!(said(&mut game), (vec![], vec![]));
}

#[test]
fn the_first_move_of_a_player_brings_it_in() {
    let mut game = open_game();
    game.apply(moves(7, &["E ann", "S ann"]), at(5));
    let told = told(&mut game);
    let [
        EventKind::Joined { x: x0, y: y0, .. },
        EventKind::Move { x: x1, y: y1, .. },
        EventKind::Move { x: x2, y: y2, .. },
    ] = told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((x1, y1), ((x0 + 1) % 32, y0));
    assert_eq!((x2, y2), (x1, (y1 + 1) % 16));
}

#[test]
fn the_same_name_of_two_origins_is_two_players() {
    let mut game = Game::new(rules("0:1"));
    game.advance(at(0));
    for input in [started(1), printed(1, &["N john"]), moves(1, &["N john"]), moves(2, &["N john"])]
    {
        game.apply(input, at(1));
    }
    let players = game.state().players;
    let who: Vec<_> =
        players.iter().map(|player| (player.id.0, player.from.to_string(), player.moves)).collect();
    assert_eq!(who, [(1, "ps#1".into(), 1), (2, "tcp#1".into(), 1), (3, "tcp#2".into(), 1)]);
    said(&mut game);
    game.apply(Input::Gone { connection: ConnectionId(1), reason: "gone" }, at(2));
    let told = told(&mut game);
    assert!(matches!(&told[..], [EventKind::Left { player, .. }] if player.0 == 2), "{told:?}");
    assert_eq!(game.state().players.len(), 2);
}

#[test]
fn lines_that_are_no_moves_are_told_as_they_are() {
    let mut game = Game::new(rules("0:1"));
    game.advance(at(0));
    game.apply(started(1), at(1));
    said(&mut game);
    game.apply(printed(1, &["thinking", "N john"]), at(1));
    let told = told(&mut game);
    assert!(
        matches!(&told[0], EventKind::Output { line, stream: OutputStream::Stdout, .. } if line == "thinking")
    );
    assert_eq!(told.len(), 3);
}

#[test]
fn a_program_that_cannot_start_is_told_and_the_game_goes_on() {
    let mut game = Game::new(rules("0:1,1:2"));
    game.advance(at(0));
    said(&mut game);
    let exit = Exit::NotStarted { code: 127, reason: "no such file".into() };
    game.apply(Input::Exited { worker: WorkerId(1), exit: exit.clone() }, at(1));
    let label = "ps#1 (predef 1)".into();
    assert_eq!(
        told(&mut game),
        [EventKind::Exited { worker: WorkerId(1), label, exit, running: 0 }]
    );
    assert!(!game.is_over());
}

#[test]
fn a_typed_configuration_starts_now_and_keeps_the_game_going() {
    let mut game = Game::new(rules("0:1"));
    game.advance(at(0));
    game.apply(Input::Typed(Predef::Four), at(1));
    assert_eq!(launched(&said(&mut game).1), [1, 2]);
    for input in [started(1), started(2), exited(1)] {
        game.apply(input, at(2));
    }
    assert!(!game.is_over());
    game.apply(exited(2), at(3));
    assert!(game.is_over());
}

#[test]
fn whoever_types_without_end_is_told_to_wait() {
    let mut game = open_game();
    for _ in 0..=MAX_TYPED {
        game.apply(Input::Typed(Predef::One), at(1));
    }
    let effects = said(&mut game).1;
    assert_eq!(launched(&effects).len(), MAX_TYPED);
    assert!(matches!(effects.last(), Some(Effect::Answer(text)) if text.contains("100 programs")));
}

#[test]
fn a_game_that_stays_ends_only_when_it_is_stopped() {
    let mut game = Game::new(Rules { stay: true, ..rules("0:1") });
    game.advance(at(0));
    game.apply(started(1), at(0));
    game.apply(exited(1), at(1));
    game.advance(at(1000));
    assert!(!game.is_over());
    game.apply(Input::Stop { reason: "interrupted" }, at(1001));
    assert_eq!(told(&mut game).last(), Some(&EventKind::Bye { reason: "interrupted".into() }));
}

#[test]
fn a_game_that_is_stopped_waits_for_its_programs_and_starts_no_more() {
    let mut game = Game::new(Rules { repeat: true, ..rules("0:1,1:2") });
    game.advance(at(0));
    game.apply(started(1), at(0));
    said(&mut game);
    game.apply(Input::Stop { reason: "terminated" }, at(1));
    game.apply(Input::Stop { reason: "interrupted" }, at(2));
    game.apply(Input::Typed(Predef::One), at(3));
    game.advance(at(3000));
    let (events, effects) = said(&mut game);
    assert!(events.iter().all(|event| matches!(event.kind, EventKind::Clock { .. })));
    assert_eq!(effects, [Effect::EndPrograms]);
    game.apply(exited(1), at(3001));
    assert_eq!(told(&mut game).last(), Some(&EventKind::Bye { reason: "terminated".into() }));
}

fn any_input() -> impl Strategy<Value = Input> {
    let name = prop::sample::select(vec!["N ann", "S ann", "E bob", "W eve"]);
    prop_oneof![
        4 => (1u64..4, prop::collection::vec(name.clone(), 0..4)).prop_map(|(connection, steps)| moves(connection, &steps)),
        1 => (1u64..4).prop_map(|connection| Input::Gone { connection: ConnectionId(connection), reason: "gone" }),
        2 => (1u64..6).prop_map(started),
        2 => (1u64..6, name).prop_map(|(worker, text)| printed(worker, &[text, "hm"])),
        1 => (1u64..6).prop_map(exited),
        1 => Just(Input::Typed(Predef::One)),
    ]
}

proptest! {
    /// A state taken at any moment, and the events after it applied, are the state of the game.
    #[test]
    fn state_plus_events_is_the_next_state(
        inputs in prop::collection::vec((any_input(), 0u64..700), 0..60),
        join in 0usize..60,
    ) {
        let mut game = Game::new(Rules { stay: true, ..rules("0:1,1:2,3:3") });
        let mut spectators = vec![game.state()];
        let mut now = 0;
        for (index, (input, pause)) in inputs.into_iter().enumerate() {
            if index == join {
                spectators.push(game.state());
            }
            now += pause;
            game.advance(at(now));
            game.apply(input, at(now));
            let events = said(&mut game).0;
            for state in &mut spectators {
                for event in &events {
                    prop_assert!(event.ms >= state.ms, "time goes on");
                    prop_assert_eq!(state.apply(event), Ok(()));
                    if let EventKind::Exited { running, .. } = event.kind {
                        prop_assert_eq!(running, state.workers.len());
                    }
                }
                state.ms = game.state().ms;
                prop_assert_eq!(&*state, &game.state());
            }
        }
    }
}

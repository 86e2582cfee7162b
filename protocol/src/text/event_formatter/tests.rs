use super::*;
use crate::{
    ActionText, BoardSize, ConnectionId, Direction, Exit, PlayerState, Seq, Standing, Turn,
    WorkerState, is_printable,
};

const ONE: WorkerId = WorkerId(1);

fn format(formatter: &mut EventFormatter, kind: EventKind) -> Option<String> {
    formatter.format(&Event { seq: Seq(1), ms: 0, kind })
}

fn moved(from: Origin) -> EventKind {
    let name = "mary".parse().unwrap();
    EventKind::Move { player: PlayerId(1), name, from, direction: Direction::East, x: 0, y: 0 }
}

fn started() -> EventKind {
    EventKind::Started { worker: ONE, label: "ps#1 (predef 1)".into(), command: vec![] }
}

fn exited(exit: Exit, running: usize) -> EventKind {
    EventKind::Exited { worker: ONE, label: "ps#1 (predef 1)".into(), exit, running }
}

#[test]
fn formats_each_kind_of_event() {
    let mut formatter = EventFormatter::default();
    let mut formatted = |kind| format(&mut formatter, kind).unwrap();
    assert_eq!(formatted(EventKind::Clock { clock: 7 }), "clock = 0007s");
    assert_eq!(formatted(started()), ">>>>>>>> worker ps#1 (predef 1)");
    assert_eq!(formatted(moved(Origin::program(ONE))), "        got `E mary` from ps#1 (predef 1)");
    assert_eq!(formatted(moved(Origin::tcp(ConnectionId(7)))), "        got `E mary` from tcp#7");
    assert_eq!(
        formatted(exited(Exit::Code { code: 0 }, 1)),
        "<<<<<<<< worker ps#1 (predef 1) - exit code 0 - 1 still running"
    );
    assert_eq!(
        formatted(exited(Exit::Signal { signal: 9 }, 0)),
        "<<<<<<<< worker ps#1 (predef 1) - exit signal 9 - 0 still running"
    );
    assert_eq!(
        formatted(EventKind::Bye { reason: "no process left".into() }),
        "no process left - bye"
    );
}

#[test]
fn distinguishes_output_from_actions() {
    let mut formatter = EventFormatter::default();
    format(&mut formatter, started());
    let mut formatted = |stream, line: &str, refused| {
        let line = line.to_owned();
        let output = EventKind::Output { worker: ONE, stream, line, cut: false, refused };
        format(&mut formatter, output).unwrap()
    };
    assert_eq!(
        formatted(OutputStream::Stdout, "hello", None),
        "        output `hello` from ps#1 (predef 1)"
    );
    assert_eq!(
        formatted(OutputStream::Stderr, "N oops", None),
        "        stderr `N oops` from ps#1 (predef 1)"
    );
    assert_eq!(
        formatted(OutputStream::Stdout, "N dbg hello", Some(ErrorCode::BadName)),
        "        refused `N dbg hello` from ps#1 (predef 1) (bad_name)"
    );
}

#[test]
fn takes_labels_from_the_state() {
    let mut formatter = EventFormatter::default();
    let workers = vec![WorkerState { id: ONE, label: "ps#1 (bot)".into() }];
    let board = BoardSize { width: 32, height: 16 };
    formatter.begin(&State { workers, ..State::new(Seq(1), board) });
    let line = format(&mut formatter, moved(Origin::program(ONE)));
    assert_eq!(line.unwrap(), "        got `E mary` from ps#1 (bot)");
}

#[test]
fn escapes_all_text_of_events() {
    let bad = "\u{1b}[2J\u{9b}1m\u{202e}\u{3164}\n".to_owned();
    let kinds = [
        EventKind::Started { worker: ONE, label: bad.clone(), command: vec![bad.clone()] },
        EventKind::Output {
            worker: ONE,
            stream: OutputStream::Stderr,
            line: bad.clone(),
            cut: false,
            refused: None,
        },
        EventKind::Exited {
            worker: ONE,
            label: bad.clone(),
            exit: Exit::NotStarted { code: 126, reason: bad.clone() },
            running: 0,
        },
        EventKind::Bye { reason: bad },
    ];
    let mut formatter = EventFormatter::default();
    for kind in kinds {
        let line = format(&mut formatter, kind).unwrap();
        assert!(line.chars().all(is_printable), "{line:?}");
    }
}

#[test]
fn bounds_the_number_and_length_of_labels() {
    let mut formatter = EventFormatter::default();
    for id in 1..=40_000 {
        let label = format!("ps#{id} ({})", "x".repeat(1000));
        let started = EventKind::Started { worker: WorkerId(id), label, command: vec![] };
        format(&mut formatter, started).unwrap();
    }
    let first = 40_000 - MAX_LABELS as u64;
    assert_eq!(formatter.labels.get(&WorkerId(first)), None);
    for id in first + 1..=40_000 {
        assert_eq!(formatter.labels.get(&WorkerId(id)).map(String::len), Some(MAX_LABEL));
    }
    let mut formatted = |id| format(&mut formatter, moved(Origin::program(WorkerId(id)))).unwrap();
    assert!(formatted(1).ends_with("from ps#1"));
    assert!(formatted(40_000).contains("from ps#40000 (xxx"));
}

fn joined(player: u64, name: &str) -> EventKind {
    let (name, from) = (name.parse().unwrap(), Origin::tcp(ConnectionId(7)));
    EventKind::Joined { player: PlayerId(player), name, from, x: 0, y: 0 }
}

fn turn(out: &[(u64, &str)], scores: &[(u64, i64)], notes: &[&str]) -> EventKind {
    EventKind::Turn(Turn {
        turn: 3,
        out: out.iter().map(|&(id, reason)| (PlayerId(id), reason.into())).collect(),
        scores: scores.iter().map(|&(id, score)| (PlayerId(id), score)).collect(),
        notes: notes.iter().map(|&note| note.into()).collect(),
        cells: vec![],
    })
}

fn in_game_with_turns() -> EventFormatter {
    let board = BoardSize { width: 32, height: 16 };
    let ann = PlayerState {
        id: PlayerId(1),
        name: "ann".parse().unwrap(),
        from: Origin::tcp(ConnectionId(1)),
        x: 0,
        y: 0,
        moves: 1,
        score: Some(0),
        alive: Some(true),
    };
    let mut formatter = EventFormatter::default();
    formatter.begin(&State { turn: Some(2), players: vec![ann], ..State::new(Seq(1), board) });
    formatter
}

#[test]
fn turns_name_the_players_of_the_state_and_later_ones() {
    let mut formatter = in_game_with_turns();
    let shown = format(&mut formatter, joined(2, "bob")).unwrap();
    assert_eq!(shown, "        bob joins from tcp#7");
    let kind = turn(&[(1, "ran into bob")], &[(2, 5), (9, 1)], &["rain"]);
    assert_eq!(
        format(&mut formatter, kind).unwrap(),
        "        rain\n        ann is out: ran into bob\n        scores: bob 5, player 9 1"
    );
    assert_eq!(format(&mut formatter, turn(&[], &[], &[])), None);
}

#[test]
fn only_own_moves_are_shown_in_games_with_turns() {
    let mut formatter = EventFormatter::default();
    assert!(format(&mut formatter, moved(Origin::tcp(ConnectionId(7)))).is_some());
    assert_eq!(format(&mut formatter, joined(2, "bob")), None);
    let mut formatter = in_game_with_turns();
    assert_eq!(format(&mut formatter, moved(Origin::tcp(ConnectionId(7)))), None);
    formatter.set_own_origin(Origin::tcp(ConnectionId(7)));
    assert!(format(&mut formatter, moved(Origin::tcp(ConnectionId(7)))).is_some());
    let mut late = EventFormatter::default();
    format(&mut late, turn(&[], &[(1, 1)], &[]));
    assert_eq!(format(&mut late, moved(Origin::program(ONE))), None);
}

#[test]
fn formats_rounds_and_results() {
    let mut formatter = EventFormatter::default();
    assert_eq!(
        format(&mut formatter, EventKind::Round { round: 2, seed: 8 }).unwrap(),
        "======== round 2 (seed 8)"
    );
    let standing = |rank, name: &str, score| Standing {
        rank,
        player: PlayerId(rank),
        name: name.parse().unwrap(),
        score,
    };
    let ranking = vec![standing(1, "ann", 12), standing(2, "bo", 3)];
    assert_eq!(format(&mut formatter, EventKind::Result { round: 2, ranking }), None);
    assert_eq!(
        format(&mut formatter, EventKind::Round { round: 3, seed: 9 }).unwrap(),
        "======== result of round 2\n        1  ann  12\n        2  bo    3\n======== round 3 (seed 9)"
    );
    let no_players = EventKind::Result { round: 3, ranking: vec![] };
    assert_eq!(format(&mut formatter, no_players), None);
    let mut formatted = |kind| format(&mut formatter, kind).unwrap();
    assert_eq!(formatted(EventKind::Clock { clock: 7 }), "clock = 0007s");
    assert_eq!(
        formatted(EventKind::Bye { reason: "no process left".into() }),
        "======== result of round 3: no players\nno process left - bye"
    );
    assert_eq!(formatted(EventKind::Paused { reason: "later".into() }), "paused: later");
    assert_eq!(formatted(EventKind::Continued { reason: "now".into() }), "continued: now");
    let (name, from) = ("ann".parse().unwrap(), Origin::tcp(ConnectionId(7)));
    let action = ActionText::try_from("rock").unwrap();
    let kind = EventKind::Action { player: PlayerId(1), name, from, action };
    assert_eq!(formatted(kind), "        got `rock ann` from tcp#7");
}

#[test]
fn escapes_each_line_of_a_turn() {
    let bad = "\u{1b}[2J\n\u{202e}";
    let shown = format(&mut in_game_with_turns(), turn(&[(1, bad)], &[], &[bad, bad]));
    let shown = shown.unwrap();
    assert_eq!(shown.lines().count(), 3, "{shown:?}");
    assert!(shown.lines().all(|line| line.chars().all(is_printable)), "{shown:?}");
}

#[test]
fn bounds_the_number_of_names() {
    let mut formatter = EventFormatter::default();
    for id in 1..=MAX_PLAYERS as u64 + 1 {
        format(&mut formatter, joined(id, "ann"));
    }
    assert_eq!(formatter.name_of(PlayerId(1)), "player 1");
    assert_eq!(formatter.name_of(PlayerId(2)), "ann");
}

#[test]
fn escapes_output_of_programs() {
    let line = "\u{1b}[2J\u{9b}1m\tx\u{fffd}".into();
    let output = EventKind::Output {
        worker: ONE,
        stream: OutputStream::Stdout,
        line,
        cut: false,
        refused: None,
    };
    let line = format(&mut EventFormatter::default(), output).unwrap();
    assert_eq!(line, "        output `\\u{1b}[2J\\u{9b}1m\\tx\u{fffd}` from ps#1");
}

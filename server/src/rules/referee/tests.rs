use std::collections::BTreeMap;

use proptest::prelude::*;
use tribune_protocol::{ConnectionId, Direction, Glyph};

use super::{
    turn_lines::{MAX_BYTES, MAX_LINES, MAX_NOTES},
    *,
};

const BOARD: BoardSize = BoardSize { width: 8, height: 4 };
const ANN: PlayerId = PlayerId(1);
const BOB: PlayerId = PlayerId(2);

fn enter(referee: &mut Referee, player: PlayerId, name: &str) {
    referee.enter(player, Origin::tcp(ConnectionId(player.0)), &name.parse().unwrap());
}

fn act(referee: &mut Referee, player: PlayerId, action: &Action) -> Result<(), String> {
    let cell = Cell { x: 3, y: 3 };
    referee.act(player, cell, action).map(|after| assert_eq!(after, cell))
}

fn line(text: &str) -> Line {
    Line::Whole(text.as_bytes().to_vec().into())
}

/// A referee that is asked for turn 1, with ann and bob in the game.
fn referee() -> Referee {
    let mut referee = Referee::new(BOARD, "referee.py".into());
    referee.begin_round(7);
    enter(&mut referee, ANN, "ann");
    enter(&mut referee, BOB, "bob");
    assert_eq!(referee.turn(1), None);
    referee
}

/// What the turn has changed after `lines`, the last of which completes it.
fn outcome(referee: &mut Referee, lines: &str) -> TurnOutcome {
    let outcomes: Vec<_> =
        lines.lines().map(|text| referee.receive(&line(text)).unwrap()).collect();
    let [before @ .., Some(outcome)] = &outcomes[..] else { panic!("{lines} is not complete") };
    assert!(before.iter().all(Option::is_none), "{lines} is more than one turn");
    outcome.clone()
}

/// The fault of the last of `lines`.
fn fault(referee: &mut Referee, lines: &str) -> String {
    let mut results = lines.lines().map(|text| referee.receive(&line(text)));
    let fault = results.find_map(Result::err).unwrap_or_else(|| panic!("no fault in {lines}"));
    assert_eq!(results.count(), 0, "the fault is not in the last line of {lines}");
    fault.to_string()
}

fn drawn(x: u16, y: u16, glyph: char, player: PlayerId) -> CellContent {
    CellContent { x, y, glyph: Glyph::new(glyph), player }
}

#[test]
fn what_happens_is_written_in_order() {
    let mut referee = referee();
    act(&mut referee, BOB, &Action::Move(Direction::North)).unwrap();
    act(&mut referee, ANN, &Action::Other("bid 10".try_into().unwrap())).unwrap();
    referee.leave(ANN);
    let want = "game 7 8 4\njoin 1 ann\njoin 2 bob\nturn 1\nact 2 N\nact 1 bid 10\nleave 1\n";
    assert_eq!(referee.take_input(), want);
    assert_eq!(referee.take_input(), "");
}

#[test]
fn the_bytes_of_actions_between_two_turns_are_limited() {
    let mut referee = referee();
    let action = Action::Other("x".repeat(64).as_str().try_into().unwrap());
    let players = 3..3 + MAX_ACTION_BYTES as u64 / 64 / u64::from(MAX_ACTIONS);
    let mut refused = None;
    for player in players.map(PlayerId) {
        enter(&mut referee, player, "eve");
        refused = (0..MAX_ACTIONS).find_map(|_| act(&mut referee, player, &action).err());
    }
    assert!(refused.unwrap().contains("of all players"));
    let input = referee.take_input();
    let acts = input.lines().filter(|line| line.starts_with("act"));
    let bytes: usize = acts.map(|line| line.len() + 1).sum();
    assert!((MAX_ACTION_BYTES..MAX_ACTION_BYTES + 100).contains(&bytes), "{bytes}");
    outcome(&mut referee, "go");
    referee.turn(2);
    assert_eq!(act(&mut referee, ANN, &action), Ok(()));
}

#[test]
fn the_first_turn_is_played_before_the_game() {
    let mut referee = Referee::new(BOARD, "referee.py".into());
    referee.begin(7);
    assert_eq!(referee.take_input(), "game 7 8 4\nturn 1\n");
    let first = outcome(&mut referee, "draw 0 0 #\ngo");
    referee.keep_first(first.clone());
    referee.begin_round(7);
    assert_eq!(referee.turn(1), Some(first));
    assert_eq!(referee.take_input(), "");
    referee.begin_round(8);
    assert_eq!(referee.turn(2), None);
    assert_eq!(referee.take_input(), "game 8 8 4\nturn 2\n");
}

#[test]
fn a_player_has_a_limited_number_of_actions_in_a_turn() {
    let mut referee = referee();
    let north = Action::Move(Direction::North);
    let mut count =
        |player| (0..99).take_while(|_| act(&mut referee, player, &north).is_ok()).count();
    assert_eq!([ANN, BOB].map(&mut count), [16, 16]);
    let refusal = act(&mut referee, ANN, &north).unwrap_err();
    assert!(refusal.contains("at most 16"), "{refusal}");
    outcome(&mut referee, "go");
    referee.turn(2);
    assert_eq!(act(&mut referee, ANN, &north), Ok(()));
}

#[test]
fn a_turn_is_all_lines_up_to_go() {
    let mut referee = referee();
    let lines = "draw 1 2 a 1\nscore 1 5\n\ndraw 0 0 #\nnote one\nout 2 ran into ann\nnote two\n\
                 draw 3 3 . 1\nresult 1 2\nend bye\ngo";
    let want = TurnOutcome {
        cells: vec![
            drawn(1, 2, 'a', ANN),
            drawn(0, 0, '#', PlayerId(0)),
            CellContent { x: 3, y: 3, glyph: None, player: PlayerId(0) },
        ],
        scores: vec![(ANN, 5)],
        out: vec![(BOB, "ran into ann".into())],
        notes: vec!["one".into(), "two".into()],
        result: Some(RoundResult::Ranking(vec![vec![ANN], vec![BOB]])),
        end: Some("bye".into()),
    };
    assert_eq!(outcome(&mut referee, lines), want);
    referee.turn(2);
    assert_eq!(outcome(&mut referee, "go"), TurnOutcome::default());
}

#[test]
fn the_last_line_about_a_cell_or_a_player_counts() {
    let mut referee = referee();
    let lines = "draw 0 0 a 1\ndraw 1 0 b 2\ndraw 0 0 .\nscore 1 5\nscore 2 1\nscore 1 6\n\
                 out 1 early\nout 1 late\nresult 1\nresult\ngo";
    let got = outcome(&mut referee, lines);
    let emptied = CellContent { x: 0, y: 0, glyph: None, player: PlayerId(0) };
    assert_eq!(got.cells, [emptied, drawn(1, 0, 'b', BOB)]);
    assert_eq!(got.scores, [(ANN, 6), (BOB, 1)]);
    assert_eq!(got.out, [(ANN, "late".to_owned())]);
    assert_eq!(got.result, Some(RoundResult::ByScore));
}

#[test]
fn lines_between_turns_belong_to_the_next_turn() {
    let mut referee = referee();
    outcome(&mut referee, "go");
    assert_eq!(referee.receive(&line("note early")), Ok(None));
    referee.turn(2);
    assert_eq!(outcome(&mut referee, "note late\ngo").notes, ["early", "late"]);
}

#[test]
fn of_a_player_that_has_just_left_only_cells_change() {
    let mut referee = referee();
    referee.receive(&line("score 1 5")).unwrap();
    referee.leave(ANN);
    let got = outcome(&mut referee, "score 2 1\nout 1 crashed\nresult 1 2\ndraw 0 0 a 1\ngo");
    assert_eq!((got.scores, got.out), (vec![(BOB, 1)], vec![]));
    assert_eq!(got.result, Some(RoundResult::Ranking(vec![vec![BOB]])));
    assert_eq!(got.cells, [drawn(0, 0, 'a', ANN)]);
}

#[test]
fn the_first_turn_sets_name_and_actions() {
    let mut referee = referee();
    assert_eq!(referee.name(), "referee.py");
    assert!(matches!(referee.actions(), ActionSyntax::Directions));
    outcome(&mut referee, "name rps\nactions rock|paper\ngo");
    assert_eq!(referee.name(), "rps");
    assert!(referee.actions().parse("rock ann").is_ok());
    referee.turn(2);
    outcome(&mut referee, "name rps\nactions rock|paper\ngo");
    for changed in ["name chess", "actions rock"] {
        let fault = fault(&mut referee, changed);
        assert!(fault.contains("too late"), "{fault}");
    }
}

#[test]
fn directions_remain_the_actions_unless_others_are_printed() {
    let mut referee = referee();
    outcome(&mut referee, "go");
    assert!(matches!(referee.actions(), ActionSyntax::Directions));
    assert!(fault(&mut referee, "actions rock").contains("too late"));
}

#[test]
fn faults_name_line_and_reason() {
    let cases = [
        ("draw 1 1 a 1\ndrew 1 1 a 1", "line 2, \"drew 1 1 a 1\": unknown word"),
        ("draw 8 0 a 1", "expected X from 0 to 7 and Y from 0 to 3"),
        ("draw 0 -1 a 1", "off the board"),
        ("draw 0 0 a 3", "unknown player 3"),
        ("score 0 5", "unknown player 0"),
        ("out 99999 crash", "unknown player 99999"),
        ("result 1 2=1", "player 1 is in the result twice"),
        ("name", "expected 1 to 32 printable characters"),
        ("name a\u{1b}b", "expected 1 to 32 printable characters"),
        ("actions (", "invalid regular expression"),
        ("\n\ngo\n\ngo", "line 5, \"go\": unexpected go"),
    ];
    for (lines, part) in cases {
        let fault = fault(&mut referee(), lines);
        assert!(fault.contains(part), "{lines:?}: {fault}");
    }
    let cut = Line::Cut(vec![b'x'; MAX_CLIENT_LINE].into());
    let fault = referee().receive(&cut).unwrap_err();
    assert_eq!(fault.reason, FaultReason::LineTooLong(MAX_CLIENT_LINE));
    let fault = referee().receive(&Line::Whole(b"note \xff".to_vec().into())).unwrap_err();
    assert_eq!(fault.reason, FaultReason::NotUtf8);
}

#[test]
fn floods_end_at_the_limits() {
    let reason = |text: &str, max: usize| {
        let mut referee = referee();
        let faults = (0..=max).find_map(|count| Some((count, referee.receive(&line(text)).err()?)));
        let (count, fault) = faults.unwrap();
        (count, fault.reason)
    };
    assert_eq!(reason("", MAX_LINES), (MAX_LINES, FaultReason::TooManyLines));
    assert_eq!(reason("draw 0 0 a", MAX_LINES), (MAX_LINES, FaultReason::TooManyLines));
    assert_eq!(reason("note x", MAX_LINES), (MAX_NOTES, FaultReason::TooManyNotes));
    let long = format!("end {}", " ".repeat(1000));
    assert_eq!(reason(&long, MAX_LINES), (MAX_BYTES / 1005, FaultReason::TooManyBytes));
}

#[test]
fn the_end_of_the_output_is_a_fault_without_end() {
    let closed = |lines: &str| {
        let mut referee = referee();
        lines.lines().for_each(|text| drop(referee.receive(&line(text)).unwrap()));
        referee.close(FaultReason::Closed)
    };
    assert_eq!(
        closed("note x").unwrap_err().to_string(),
        "after line 1: it closed its standard output without end"
    );
    let outcome = closed("score 1 5\nend ann has won").unwrap();
    assert_eq!((outcome.scores, outcome.end), (vec![(ANN, 5)], Some("ann has won".into())));
}

#[test]
fn an_unfinished_line_is_no_fault_of_its_own() {
    let unfinished = |text: &str| {
        let mut referee = referee();
        let line = Line::Unfinished(text.as_bytes().to_vec().into());
        assert_eq!(referee.receive(&line), Ok(None));
        referee.close(FaultReason::Closed)
    };
    assert_eq!(unfinished("dra").unwrap_err().reason, FaultReason::Closed);
    assert_eq!(unfinished("end bye").unwrap().end.as_deref(), Some("bye"));
}

/// A line of a turn that is valid with ann and bob in the game.
fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..BOARD.width, 0..BOARD.height, "[.a-c#]", 0u64..3)
            .prop_map(|(x, y, glyph, player)| format!("draw {x} {y} {glyph} {player}")),
        (1u64..3, -9i64..9).prop_map(|(player, score)| format!("score {player} {score}")),
        (1u64..3, "[a-z ]{0,5}").prop_map(|(player, reason)| format!("out {player} {reason}")),
        "[a-z]{0,5}".prop_map(|text| format!("note {text}")),
    ]
}

proptest! {
    #[test]
    fn no_bytes_cause_a_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..40)) {
        let mut referee = referee();
        for bytes in lines {
            if referee.receive(&Line::Whole(bytes.into())).is_err() {
                break;
            }
        }
    }

    #[test]
    fn an_outcome_is_what_the_lines_say(lines in prop::collection::vec(any_line(), 0..60)) {
        let got = outcome(&mut referee(), &(lines.join("\n") + "\ngo"));
        // An interpreter that knows nothing of `Command`: the last line about a thing counts.
        let (mut cells, mut scores, mut out) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut notes = Vec::new();
        for line in &lines {
            let words: Vec<&str> = line.splitn(2, ' ').collect();
            let rest: Vec<&str> = words[1].split(' ').collect();
            match words[0] {
                "draw" => drop(cells.insert((rest[0].to_owned(), rest[1].to_owned()), rest[2..].join(" "))),
                "score" => drop(scores.insert(rest[0].to_owned(), rest[1].to_owned())),
                "out" => drop(out.insert(rest[0].to_owned(), rest[1..].join(" ").trim().to_owned())),
                _ => notes.push(words[1].to_owned()),
            }
        }
        let got_cells: BTreeMap<_, _> = got.cells.iter().map(|cell| {
            let shown = cell.glyph.map_or_else(|| ".".to_owned(), |glyph| format!("{} {}", glyph.char(), cell.player));
            ((cell.x.to_string(), cell.y.to_string()), shown)
        }).collect();
        cells.values_mut().filter(|shown| shown.starts_with('.')).for_each(|shown| shown.truncate(1));
        prop_assert_eq!(got_cells.len(), got.cells.len());
        prop_assert_eq!(got_cells, cells);
        let text = |pairs: Vec<(PlayerId, String)>| pairs.into_iter().map(|(id, text)| (id.to_string(), text)).collect::<BTreeMap<_, _>>();
        prop_assert_eq!(text(got.scores.iter().map(|&(id, score)| (id, score.to_string())).collect()), scores);
        prop_assert_eq!(text(got.out), out);
        prop_assert_eq!(got.notes, notes);
    }
}

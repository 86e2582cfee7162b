use proptest::prelude::*;
use tribune_protocol::{Move, Refusal};

use super::*;
use crate::try_bot::paint::Paint;

const GRACE: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn action(text: &str) -> ObservedLine {
    ObservedLine::Action(Move::parse(text).unwrap().into())
}

fn plain() -> ObservedLine {
    ObservedLine::Plain("hello".into(), Refusal::new(ErrorCode::BadLine, "no move"))
}

/// A trial of a program that started at 100 ms.
fn trial() -> Trial {
    let mut trial = Trial::new(GRACE);
    trial.start(ms(100));
    trial
}

/// The report on a program that printed moves at `moves`, was stopped at 5 s, and exited by `exit`
/// at `exited`.
fn report(moves: &[u64], exited: u64, exit: Exit) -> Report {
    let mut trial = trial();
    for &at in moves {
        if at >= 5000 {
            trial.stop(ms(5000));
        }
        trial.line(ms(at), &action("N ann"));
    }
    if exited >= 5000 {
        trial.stop(ms(5000));
    }
    trial.exit(ms(exited), exit);
    trial.report()
}

const SUCCESS: Exit = Exit::Code { code: 0 };

#[test]
fn counts_lines_by_what_they_are() {
    let mut trial = trial();
    let refusal = Refusal::new(ErrorCode::BadName, "bad");
    for line in [
        action("N ann"),
        action("S bob"),
        action("S ann"),
        ObservedLine::Refused("N x y".into(), refusal),
        plain(),
        ObservedLine::Error("oops".into()),
    ] {
        trial.line(ms(350), &line);
    }
    trial.refuse(ErrorCode::BadAction);
    trial.stop(ms(5000));
    trial.exit(ms(5001), SUCCESS);
    let report = trial.report();
    assert!(report.has_played());
    assert_eq!((report.lines, report.moves, report.plain, report.errors), (5, 2, 1, 1));
    assert_eq!(report.players, ["ann", "bob"]);
    let refused =
        [("bad_action", 1), ("bad_name", 1)].map(|(code, count)| (code.to_owned(), count));
    assert_eq!(report.refused, BTreeMap::from(refused));
    assert_eq!(report.first_move_ms, Some(250.0));
    assert_eq!(report.buffering, Buffering::None);
}

#[test]
fn programs_that_make_no_move_in_time_do_not_play() {
    assert_eq!(report(&[200, 300], 5001, SUCCESS).verdict, Verdict::Plays);
    assert_eq!(report(&[200], 300, SUCCESS).verdict, Verdict::Plays, "it may end by itself");
    assert_eq!(report(&[], 5001, SUCCESS).verdict, Verdict::NoMove);
    assert_eq!(report(&[5002, 5002], 5003, SUCCESS).verdict, Verdict::PlaysOnlyAtEnd);
    let crash = Exit::Code { code: 1 };
    assert_eq!(report(&[200], 300, crash.clone()).verdict, Verdict::Failed);
    assert_eq!(report(&[200], 5003, crash).verdict, Verdict::Plays, "the game was over");
    let reason = Exit::NotStarted { code: 127, reason: "gone".into() };
    assert_eq!(report(&[], 300, reason).verdict, Verdict::NotStarted("gone".into()));
    let mut refused = trial();
    refused.line(ms(200), &action("N ann"));
    refused.refuse(ErrorCode::BadAction);
    assert_eq!(refused.report().verdict, Verdict::NoMove);
}

#[test]
fn the_cause_of_the_end_follows_from_its_time() {
    let killed = || Exit::Signal { signal: 9 };
    assert_eq!(report(&[200], 4000, SUCCESS).end, EndCause::Itself);
    assert_eq!(report(&[200], 5010, SUCCESS).end, EndCause::EndOfInput);
    assert_eq!(report(&[200], 6010, SUCCESS).end, EndCause::Sigterm);
    assert_eq!(report(&[200], 6010, Exit::Signal { signal: 15 }).end, EndCause::Sigterm);
    assert_eq!(report(&[200], 8010, killed()).end, EndCause::Sigkill);
    assert_eq!(trial().report().end, EndCause::Unknown);
}

#[test]
fn buffers_show_by_lines_that_come_together() {
    let buffering = |moves: &[u64], exited| report(moves, exited, SUCCESS).buffering;
    assert_eq!(buffering(&[], 5001), Buffering::NoOutput);
    assert_eq!(buffering(&[200, 1200, 2200], 5001), Buffering::None);
    assert_eq!(buffering(&[200, 200, 200], 5001), Buffering::None, "it began at once");
    assert_eq!(buffering(&[5002, 5002], 5003), Buffering::OnlyAtEnd);
    assert_eq!(buffering(&[3000, 3000], 3001), Buffering::OnlyAtEnd);
    assert_eq!(buffering(&[3000], 3001), Buffering::None, "it is only one line");
    assert_eq!(buffering(&[3000, 3001, 3001], 5001), Buffering::OneBurst);
    let bursts = |sizes: [usize; 3]| {
        let times = [(700, sizes[0]), (1400, sizes[1]), (2100, sizes[2])];
        buffering(&times.map(|(at, count)| vec![at; count]).concat(), 5001)
    };
    assert_eq!(bursts([682, 683, 20]), Buffering::Bursts);
    assert_eq!(bursts([682, 20, 683]), Buffering::None, "a buffer that is not full is kept");
    assert_eq!(bursts([10, 10, 10]), Buffering::None, "it may have ten players");
    let slowed_down: Vec<u64> = (0..20_000).map(|line| 1000 + line / 640 * 64).collect();
    assert_eq!(buffering(&slowed_down, 5001), Buffering::None);
    let one_by_one: Vec<u64> = (0..400).map(|line| 1000 + line * 5 + line / 200 * 500).collect();
    assert_eq!(buffering(&one_by_one, 5001), Buffering::None);
    assert_eq!(buffering(&[3000, 3001, 4000], 5001), Buffering::None);
}

#[test]
fn reactions_are_from_the_last_event_to_the_next_move() {
    let mut trial = trial();
    trial.input(ms(900), InputSample::Unread(0));
    for (event, line) in [(1000, 1004), (2000, 2002), (3000, 3003)] {
        trial.event(ms(event - 500));
        trial.event(ms(event));
        trial.line(ms(line), &plain());
        trial.line(ms(line), &action("N ann"));
        // Without another event, it does not count.
        trial.line(ms(line + 700), &action("N ann"));
    }
    let reactions = trial.report().reactions.unwrap();
    assert_eq!(reactions, Reactions { count: 3, median_ms: 3.0, max_ms: 4.0 });
}

#[test]
fn game_that_is_over_at_once_is_not_the_fault_of_the_program() {
    let verdict = Trial::new(ms(1000)).report().verdict;
    assert_eq!(verdict, Verdict::NotStarted("the game was over before".into()));
}

#[test]
fn program_that_does_not_read_does_not_react() {
    let mut trial = trial();
    trial.input(ms(900), InputSample::Unread(300));
    trial.event(ms(1000));
    trial.line(ms(1004), &action("N ann"));
    assert_eq!(trial.report().reactions, None);
}

#[test]
fn unread_input_shows_whether_a_program_reads() {
    let input = |samples: &[(u64, InputSample)]| {
        let mut trial = trial();
        for &(at, sample) in samples {
            trial.input(ms(at), sample);
        }
        trial.report().input
    };
    let unread = InputSample::Unread;
    assert_eq!(input(&[]), InputUse::Unknown);
    assert_eq!(input(&[(110, unread(0))]), InputUse::Unknown, "nothing may be written yet");
    assert_eq!(input(&[(110, unread(300)), (400, unread(0))]), InputUse::Read);
    assert_eq!(input(&[(110, unread(300)), (400, unread(400))]), InputUse::NotRead);
    assert_eq!(input(&[(400, unread(0)), (500, unread(100))]), InputUse::Read);
    assert_eq!(input(&[(400, unread(0)), (500, unread(9)), (900, unread(1))]), InputUse::Behind);
    assert_eq!(input(&[(400, unread(900)), (600, unread(100))]), InputUse::Behind);
    assert_eq!(input(&[(400, unread(9)), (500, InputSample::Closed)]), InputUse::Closed);
    assert_eq!(input(&[(400, unread(0)), (500, InputSample::Unknown)]), InputUse::Read);
}

#[test]
fn text_has_the_verdict_in_its_last_line() {
    let paint = Paint { colours: false };
    let text = report(&[200], 5001, SUCCESS).text(paint);
    assert!(text.contains("  moves      1 of ann\n"), "{text}");
    assert!(text.contains("  end        exit code 0, at the end of its input\n"), "{text}");
    assert!(text.ends_with("\nIt plays.\n"), "{text}");
    let reason = "./\u{1b}[2J: gone".into();
    let text = report(&[], 5001, Exit::NotStarted { code: 127, reason }).text(paint);
    assert!(text.ends_with("was not started: ./\\u{1b}[2J: gone\n"), "{text}");
    let text = report(&[], 5001, SUCCESS).text(Paint { colours: true });
    assert!(text.ends_with("\u{1b}[31mIt does not play: it made no move.\u{1b}[0m\n"), "{text}");
}

proptest! {
    #[test]
    fn any_order_of_times_gives_a_report(
        lines in prop::collection::vec((0_u64..9000, any::<bool>()), 0..20),
        stopped in prop::option::of(0_u64..9000),
        exited in prop::option::of(0_u64..9000),
    ) {
        let mut trial = trial();
        for (at, is_move) in lines {
            trial.event(ms(at));
            trial.line(ms(at), &if is_move { action("N ann") } else { plain() });
        }
        if let Some(at) = stopped {
            trial.stop(ms(at));
        }
        if let Some(at) = exited {
            trial.exit(ms(at), SUCCESS);
        }
        let report = trial.report();
        prop_assert_eq!(report.lines, report.moves + report.plain);
        let text = report.text(Paint { colours: false });
        prop_assert!(text.lines().count() >= 10, "{}", text);
    }
}

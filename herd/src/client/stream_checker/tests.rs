use super::*;
use crate::measure::Counts;

/// What a client finds in `lines`, and in the end of the stream if it `closes`.
fn check(lines: &[&str], closes: bool) -> (Result<(), Failure>, Counts, Tally) {
    let (comparison, mut tally) = (StreamComparison::default(), Tally::default());
    let now = Instant::now();
    let mut checker = StreamChecker::new(1, now, None);
    let mut outcome = Ok(());
    for line in lines {
        let mut context =
            CheckContext { comparison: &comparison, tally: &mut tally, now, at_us: 5000 };
        outcome = outcome.and_then(|()| checker.handle_line(line.as_bytes(), &mut context));
    }
    if closes {
        outcome =
            outcome.and_then(|()| checker.connection_closed(0, comparison.head(), &mut tally));
    }
    checker.finish(&mut tally);
    (outcome, tally.counts, tally)
}

const WELCOME: &str = r#"{"type":"welcome","protocol":1,"game":"g","server":"0","you":"tcp#7","seq":4,"oldest":1,"tick_ms":1000}"#;
const STATE: &str = r#"{"type":"state","seq":4,"ms":0,"clock":0,"board":{"width":1,"height":1},"players":[],"workers":[]}"#;
const FIVE: &str = r#"{"type":"clock","seq":5,"ms":1000,"clock":1}"#;
const SIX: &str = r#"{"type":"clock","seq":6,"ms":2000,"clock":2}"#;
const BYE: &str = r#"{"type":"bye","seq":7,"ms":2500,"reason":"done"}"#;

fn faults(counts: &Counts) -> i64 {
    counts.lost + counts.duplicated + counts.out_of_order + counts.malformed
}

fn kind(outcome: Result<(), Failure>) -> Option<FailureKind> {
    outcome.err().map(|failure| failure.kind)
}

#[test]
fn a_correct_stream_has_no_faults() {
    let (outcome, counts, tally) = check(&[WELCOME, STATE, FIVE, SIX, BYE], true);
    assert_eq!((kind(outcome), faults(&counts), counts.received), (None, 0, 3));
    assert_eq!((tally.connected, tally.ticks.quality().count), (1, 2));
}

#[test]
fn a_stream_that_ends_without_bye_or_reason_has_lost_an_event() {
    let (outcome, counts, _) = check(&[WELCOME, STATE, FIVE], true);
    assert_eq!((kind(outcome), counts.lost), (Some(FailureKind::ClosedEarly), 1));
    let closing = r#"{"type":"closing","code":"slow_client","message":"too slow"}"#;
    let (outcome, counts, _) = check(&[WELCOME, STATE, FIVE, closing], true);
    assert_eq!((kind(outcome), counts.lost), (Some(FailureKind::ClosedByServer), 0));
    let full = r#"{"type":"closing","code":"server_full","message":"later"}"#;
    assert_eq!(kind(check(&[full], true).0), Some(FailureKind::ServerFull));
    assert_eq!(kind(check(&[WELCOME], true).0), Some(FailureKind::ClosedEarly));
}

#[test]
fn an_unknown_reason_for_closing_is_a_reason() {
    let closing = r#"{"type":"closing","code":"unauthorized","message":"no token"}"#;
    let (outcome, counts, _) = check(&[WELCOME, STATE, FIVE, closing], true);
    assert_eq!((kind(outcome), faults(&counts)), (Some(FailureKind::ClosedByServer), 0));
    assert_eq!(kind(check(&[closing], true).0), Some(FailureKind::ClosedByServer));
}

#[test]
fn events_skipped_by_a_resync_are_not_lost() {
    let resync = r#"{"type":"resync","missed":2,"seq":6}"#;
    let state = STATE.replace("\"seq\":4", "\"seq\":6");
    let (outcome, counts, _) = check(&[WELCOME, STATE, resync, &state, BYE], true);
    assert_eq!((kind(outcome), counts.skipped_notified, faults(&counts)), (None, 2, 0));
    let (_, counts, _) = check(&[WELCOME, STATE, resync, STATE, BYE], true);
    assert_eq!(counts.malformed, 1, "that is the state of another moment");
}

#[test]
fn lines_that_are_not_allowed_are_malformed() {
    let resync = r#"{"type":"resync","missed":2,"seq":6}"#;
    let pong = r#"{"type":"pong","id":1}"#;
    let error = r#"{"type":"error","code":"bad_line","message":"what"}"#;
    for extra in [WELCOME, STATE, pong, error] {
        let (outcome, counts, _) = check(&[WELCOME, STATE, FIVE, extra, SIX, BYE], true);
        assert_eq!((kind(outcome), counts.malformed, counts.lost), (None, 1, 0), "{extra}");
    }
    let (_, counts, _) = check(&[WELCOME, STATE, resync, BYE], true);
    assert_eq!((counts.malformed, counts.skipped_notified), (1, 2), "a resync has a state");
    let other = STATE.replace("\"seq\":4", "\"seq\":5");
    assert_eq!(kind(check(&[WELCOME, &other], false).0), Some(FailureKind::NoGame));
    assert_eq!(kind(check(&[STATE], false).0), Some(FailureKind::NoGame));
}

#[test]
fn one_wrong_timestamp_does_not_distort_delays() {
    let wrong = SIX.replace("2000", "94400000");
    let (_, _, tally) = check(&[WELCOME, STATE, FIVE, &wrong, BYE], true);
    let slowest = tally.delays.latencies().percentiles().unwrap().max;
    assert!(slowest < 10_000_000, "{slowest} µs");
}

#[test]
fn rejects_what_is_not_a_game_at_once() {
    for line in ["HTTP/1.1 400 Bad Request", FIVE, &WELCOME.replace(":1,", ":2,")] {
        assert_eq!(kind(check(&[line], false).0), Some(FailureKind::NoGame), "{line}");
    }
}

#[test]
fn an_unreadable_line_is_malformed_and_not_lost() {
    let garbled = FIVE.replace("clock", "cl\u{1}ck");
    let (_, counts, _) = check(&[WELCOME, STATE, &garbled, SIX, BYE], true);
    assert_eq!((counts.malformed, counts.lost, counts.expected), (1, 0, 3));
    let (_, counts, _) = check(&[WELCOME, STATE, "", FIVE], false);
    assert_eq!((counts.malformed, counts.lost), (1, 0));
}

#[test]
fn ignores_lines_of_unknown_types() {
    let weather = r#"{"type":"weather","wind":"E"}"#;
    let resync = r#"{"type":"resync","missed":1,"seq":6}"#;
    let state = STATE.replace("\"seq\":4", "\"seq\":6");
    let lines = [WELCOME, STATE, weather, FIVE, resync, weather, &state, BYE];
    let (outcome, counts, _) = check(&lines, true);
    assert_eq!((kind(outcome), faults(&counts), counts.received), (None, 0, 2));
    assert_eq!(kind(check(&[WELCOME, weather], false).0), Some(FailureKind::NoGame));
}

/// What a player finds if the server replies to its first move with an error of this `code`.
fn check_refusal(code: &str) -> Tally {
    let (comparison, mut tally) = (StreamComparison::default(), Tally::default());
    let now = Instant::now();
    let mut player = Player::new(1, Duration::from_secs(1), Duration::from_secs(5), now);
    player.next_move(now + Duration::from_secs(1), &mut tally).unwrap();
    let mut checker = StreamChecker::new(1, now, Some(player));
    let error = format!(r#"{{"type":"error","code":"{code}","message":"no"}}"#);
    for line in [WELCOME, STATE, &error, FIVE] {
        let mut context =
            CheckContext { comparison: &comparison, tally: &mut tally, now, at_us: 5000 };
        checker.handle_line(line.as_bytes(), &mut context).unwrap();
    }
    assert!(checker.is_complete(5), "the move is still pending");
    checker.finish(&mut tally);
    tally
}

#[test]
fn moves_refused_by_the_rules_are_counted_and_no_failure() {
    let tally = check_refusal("bad_action");
    assert_eq!((tally.moves.sent, tally.moves.refused, tally.failures.count()), (1, 1, 0));
    assert_eq!(faults(&tally.counts), 0);
    let tally = check_refusal("rate_limited");
    assert_eq!((tally.moves.refused, tally.failures.count()), (1, 1));
}

use super::*;
use crate::measure::Counts;

/// A member that hears `lines`, and then the end if it `closes`.
fn heard(lines: &[&str], closes: bool) -> (Result<(), Failure>, Counts, Tally) {
    let (comparison, mut tally) = (Comparison::default(), Tally::default());
    let now = Instant::now();
    let mut seat = Seat::new(1, now, None);
    let mut outcome = Ok(());
    for line in lines {
        let mut around =
            Surroundings { comparison: &comparison, tally: &mut tally, now, at_us: 5000 };
        outcome = outcome.and_then(|()| seat.hear(line.as_bytes(), &mut around));
    }
    if closes {
        outcome = outcome.and_then(|()| seat.close(0, comparison.head(), &mut tally));
    }
    seat.leave(&mut tally);
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
fn a_stream_as_it_should_be_has_no_fault() {
    let (outcome, counts, tally) = heard(&[WELCOME, STATE, FIVE, SIX, BYE], true);
    assert_eq!((kind(outcome), faults(&counts), counts.received), (None, 0, 3));
    assert_eq!((tally.joined, tally.ticks.quality().count), (1, 2));
}

#[test]
fn who_is_closed_without_a_word_has_lost_something() {
    let (outcome, counts, _) = heard(&[WELCOME, STATE, FIVE], true);
    assert_eq!((kind(outcome), counts.lost), (Some(FailureKind::ClosedEarly), 1));
    let closing = r#"{"type":"closing","code":"slow_client","message":"too slow"}"#;
    let (outcome, counts, _) = heard(&[WELCOME, STATE, FIVE, closing], true);
    assert_eq!((kind(outcome), counts.lost), (Some(FailureKind::ClosedByServer), 0));
    let full = r#"{"type":"closing","code":"server_full","message":"later"}"#;
    assert_eq!(kind(heard(&[full], true).0), Some(FailureKind::ServerFull));
    assert_eq!(kind(heard(&[WELCOME], true).0), Some(FailureKind::ClosedEarly));
}

#[test]
fn a_resync_with_its_state_is_told_and_no_fault() {
    let resync = r#"{"type":"resync","missed":2,"seq":6}"#;
    let state = STATE.replace("\"seq\":4", "\"seq\":6");
    let (outcome, counts, _) = heard(&[WELCOME, STATE, resync, &state, BYE], true);
    assert_eq!((kind(outcome), counts.told, faults(&counts)), (None, 2, 0));
    let (_, counts, _) = heard(&[WELCOME, STATE, resync, STATE, BYE], true);
    assert_eq!(counts.malformed, 1, "that is the state of another moment");
}

#[test]
fn lines_that_have_no_place_there_are_malformed() {
    let resync = r#"{"type":"resync","missed":2,"seq":6}"#;
    let pong = r#"{"type":"pong","id":1}"#;
    let error = r#"{"type":"error","code":"bad_line","message":"what"}"#;
    for extra in [WELCOME, STATE, pong, error] {
        let (outcome, counts, _) = heard(&[WELCOME, STATE, FIVE, extra, SIX, BYE], true);
        assert_eq!((kind(outcome), counts.malformed, counts.lost), (None, 1, 0), "{extra}");
    }
    let (_, counts, _) = heard(&[WELCOME, STATE, resync, BYE], true);
    assert_eq!((counts.malformed, counts.told), (1, 2), "a resync has a state");
    let other = STATE.replace("\"seq\":4", "\"seq\":5");
    assert_eq!(kind(heard(&[WELCOME, &other], false).0), Some(FailureKind::NoGame));
    assert_eq!(kind(heard(&[STATE], false).0), Some(FailureKind::NoGame));
}

#[test]
fn one_wrong_stamp_does_not_spoil_the_others() {
    let wrong = SIX.replace("2000", "94400000");
    let (_, _, tally) = heard(&[WELCOME, STATE, FIVE, &wrong, BYE], true);
    let slowest = tally.delays.latencies().percentiles().unwrap().max;
    assert!(slowest < 10_000_000, "{slowest} µs");
}

#[test]
fn what_is_no_game_is_noticed_at_once() {
    for line in ["HTTP/1.1 400 Bad Request", FIVE, &WELCOME.replace(":1,", ":2,")] {
        assert_eq!(kind(heard(&[line], false).0), Some(FailureKind::NoGame), "{line}");
    }
}

#[test]
fn a_line_that_cannot_be_read_is_malformed_and_not_lost() {
    let garbled = FIVE.replace("clock", "cl\u{1}ck");
    let (_, counts, _) = heard(&[WELCOME, STATE, &garbled, SIX, BYE], true);
    assert_eq!((counts.malformed, counts.lost, counts.expected), (1, 0, 3));
    let (_, counts, _) = heard(&[WELCOME, STATE, "", FIVE], false);
    assert_eq!((counts.malformed, counts.lost), (1, 0));
}

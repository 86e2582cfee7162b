use std::time::Duration;

use super::*;
use crate::{arrivals::Arrivals, failure::Failure, report::diagnose, run::tests::passed};

fn checks(run: &Run) -> (u8, Vec<String>) {
    let failed = failed_checks(run, &Measured::new(run));
    (exit_code(&failed), failed.into_iter().map(|failed| failed.check).collect())
}

fn diagnosis(run: &Run) -> String {
    diagnose(run, &failed_checks(run, &Measured::new(run))).join("\n")
}

/// A run whose own timers were late.
fn starved(mode: Mode) -> Run {
    let mut run = passed(mode);
    run.tally.lateness.record(Duration::from_secs(4));
    run
}

/// The same, with a job that got no answer in time.
fn with_timeout(mut run: Run) -> Run {
    let timeout = Failure::new(FailureKind::Timeout, "no echo within 5s");
    run.tally.failures.add(1, &timeout);
    run.tally.counts.received = 0;
    run.tally.counts.lost = 1;
    run.tally.overdue = 1;
    run
}

#[test]
fn the_worst_is_told() {
    let failed = |blame| Failed::new(blame, "", 0.0, 1.0);
    assert_eq!(exit_code(&[]), 0);
    let (stream, not_run) = (failed(Blame::Stream), failed(Blame::NotRun));
    let (generator, limit) = (failed(Blame::Generator), failed(Blame::Limit));
    assert_eq!(exit_code(&[not_run.clone(), stream, limit.clone()]), 3);
    assert_eq!(exit_code(&[limit.clone(), not_run, generator.clone()]), 1);
    assert_eq!(exit_code(&[limit.clone(), generator]), 5);
    assert_eq!(exit_code(&[limit]), 4);
}

#[test]
fn a_run_that_did_what_was_asked_passes() {
    for mode in [Mode::Echo, Mode::Watch, Mode::Play] {
        assert_eq!(checks(&passed(mode)), (0, vec![]));
        assert_eq!(diagnosis(&passed(mode)), "nothing was at fault");
    }
}

#[test]
fn a_run_that_did_not_do_what_was_asked_does_not_pass() {
    let ten_per_second = Some(Arrivals { rate: 10.0, ramp: Duration::ZERO });
    let mut held_back = passed(Mode::Echo);
    held_back.plan.arrivals = ten_per_second;
    held_back.plan.throttle = 2;
    held_back.dispatched.jobs = 50;
    held_back.dispatched.held_back = Duration::from_secs(5);
    let mut left = passed(Mode::Echo);
    left.dispatched.left = 1;
    let mut nothing = passed(Mode::Watch);
    (nothing.tally.counts.expected, nothing.tally.counts.received) = (0, 0);
    let mut no_moves = passed(Mode::Play);
    no_moves.tally.moves.sent = 0;
    let mut dead = passed(Mode::Watch);
    dead.failed_workers = 1;
    for (run, check, part) in [
        (held_back, "rate", "the throttle held the rate back"),
        (left, "not_begun", "not begun before the end"),
        (nothing, "nothing_checked", "nothing was there to check"),
        (no_moves, "nothing_checked", "nothing was there to check"),
        (dead, "generator_failed", "a bug of the herd"),
    ] {
        assert_eq!(checks(&run), (1, vec![check.to_owned()]));
        let said = diagnosis(&run);
        assert!(said.contains(part), "{said}");
        assert!(!said.contains("nothing was at fault"), "{said}");
    }
}

#[test]
fn a_bug_is_none_of_the_errors_that_may_be() {
    let mut run = passed(Mode::Echo);
    run.plan.limits = vec!["errors>3".parse().unwrap()];
    run.tally.failures.add(1, &Failure::new(FailureKind::Bug, "the job panicked"));
    assert_eq!(checks(&run), (1, vec!["generator_failed".to_owned()]));
}

#[test]
fn a_rate_that_ends_between_two_jobs_is_reached() {
    let mut run = passed(Mode::Echo);
    run.plan.arrivals = Some(Arrivals { rate: 10.0, ramp: Duration::ZERO });
    (run.dispatched.jobs, run.dispatched.left) = (99, 1);
    assert_eq!(checks(&run), (0, vec![]));
}

#[test]
fn a_server_is_blamed_for_what_did_not_come_in_time() {
    let (exit, failed) = checks(&with_timeout(passed(Mode::Echo)));
    assert_eq!((exit, failed), (3, vec!["lost".to_owned(), "errors".to_owned()]));
}

#[test]
fn a_generator_that_starved_does_not_blame_the_server_for_it() {
    for mode in [Mode::Echo, Mode::Watch, Mode::Play] {
        let run = with_timeout(starved(mode));
        let (exit, failed) = checks(&run);
        assert_eq!((exit, failed), (5, vec!["generator_late_us".to_owned()]));
        let said = diagnosis(&run);
        assert!(said.contains("the generator was the bottleneck"), "{said}");
        assert!(said.contains("may have come"), "{said}");
        assert!(!said.contains("the place to look") && !said.contains("at fault"), "{said}");
    }
    // What does not depend on time is still what it is.
    let mut run = with_timeout(starved(Mode::Watch));
    run.tally.counts.duplicated = 1;
    let (exit, failed) = checks(&run);
    assert_eq!((exit, &failed[0][..]), (3, "duplicated"));
    assert!(diagnosis(&run).contains("the server is at fault"));
}

#[test]
fn one_long_pause_of_the_generator_is_enough_to_doubt_what_did_not_come() {
    let mut run = passed(Mode::Echo);
    for _ in 0..1000 {
        run.tally.lateness.record(Duration::from_millis(1));
    }
    run.tally.lateness.record(Duration::from_secs(6));
    assert_eq!(checks(&run), (0, vec![]), "nothing came of it");
    assert_eq!(checks(&with_timeout(run)), (5, vec!["generator_stalled_us".to_owned()]));
}

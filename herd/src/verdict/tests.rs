use std::time::Duration;

use super::*;
use crate::{
    arrivals::Arrivals,
    failure::{Failure, FailureKind},
    mode::Mode,
    run::tests::passed,
};

fn checks(run: &Run) -> (u8, Vec<String>) {
    let verdict = Verdict::new(run, &Measured::new(run));
    (verdict.exit_code, verdict.failed.into_iter().map(|failed| failed.check).collect())
}

fn diagnosis(run: &Run) -> String {
    Verdict::new(run, &Measured::new(run)).diagnosis.join("\n")
}

/// A run in which the generator's own timers were late.
fn overloaded(mode: Mode) -> Run {
    let mut run = passed(mode);
    run.tally.timer_lateness.record(Duration::from_secs(4));
    run
}

/// The same run with a job that timed out.
fn with_timeout(mut run: Run) -> Run {
    let timeout = Failure::new(FailureKind::Timeout, "no echo within 5s");
    run.tally.failures.add(1, &timeout);
    run.tally.counts.received = 0;
    run.tally.counts.lost = 1;
    run.tally.lost_by_timeout = 1;
    run
}

#[test]
fn the_exit_code_is_that_of_the_most_severe_check() {
    let failed = |category| FailedCheck::new(category, "", 0.0, 1.0);
    assert_eq!(exit_code(&[]), 0);
    let (stream, incomplete) = (failed(Category::Stream), failed(Category::Incomplete));
    let (generator, threshold) = (failed(Category::Generator), failed(Category::Threshold));
    assert_eq!(exit_code(&[incomplete.clone(), stream, threshold.clone()]), 3);
    assert_eq!(exit_code(&[threshold.clone(), incomplete, generator.clone()]), 1);
    assert_eq!(exit_code(&[threshold.clone(), generator]), 5);
    assert_eq!(exit_code(&[threshold]), 4);
}

#[test]
fn the_exit_code_of_a_signal_comes_first() {
    let mut run = with_timeout(passed(Mode::Echo));
    run.interrupted = Some(130);
    assert_eq!(checks(&run).0, 130);
}

#[test]
fn a_complete_run_without_faults_passes() {
    for mode in [Mode::Echo, Mode::Watch, Mode::Play] {
        assert_eq!(checks(&passed(mode)), (0, vec![]));
        assert_eq!(diagnosis(&passed(mode)), "no faults found");
    }
}

#[test]
fn an_incomplete_run_fails() {
    let ten_per_second = Some(Arrivals { rate: 10.0, ramp: Duration::ZERO });
    let mut throttled = passed(Mode::Echo);
    throttled.plan.arrivals = ten_per_second;
    throttled.plan.throttle = 2;
    throttled.dispatched.jobs = 50;
    throttled.dispatched.throttle_wait = Duration::from_secs(5);
    let mut not_started = passed(Mode::Echo);
    not_started.dispatched.not_started = 1;
    let mut nothing = passed(Mode::Watch);
    (nothing.tally.counts.expected, nothing.tally.counts.received) = (0, 0);
    let mut no_moves = passed(Mode::Play);
    no_moves.tally.moves.sent = 0;
    let mut dead = passed(Mode::Watch);
    dead.failed_workers = 1;
    for (run, check, part) in [
        (throttled, "rate", "the throttle limited the rate"),
        (not_started, "not_started", "not started before the end"),
        (nothing, "nothing_checked", "nothing to check"),
        (no_moves, "nothing_checked", "nothing to check"),
        (dead, "generator_failed", "a bug of the herd"),
    ] {
        assert_eq!(checks(&run), (1, vec![check.to_owned()]));
        let diagnosis = diagnosis(&run);
        assert!(diagnosis.contains(part), "{diagnosis}");
        assert!(!diagnosis.contains("no faults found"), "{diagnosis}");
    }
}

#[test]
fn thresholds_on_errors_do_not_allow_bugs_of_the_herd() {
    let mut run = passed(Mode::Echo);
    run.plan.thresholds = vec!["errors>3".parse().unwrap()];
    run.tally.failures.add(1, &Failure::new(FailureKind::Bug, "the job panicked"));
    assert_eq!(checks(&run), (1, vec!["generator_failed".to_owned()]));
}

#[test]
fn a_job_due_at_the_very_end_need_not_start() {
    let mut run = passed(Mode::Echo);
    run.plan.arrivals = Some(Arrivals { rate: 10.0, ramp: Duration::ZERO });
    (run.dispatched.jobs, run.dispatched.not_started) = (99, 1);
    assert_eq!(checks(&run), (0, vec![]));
}

#[test]
fn timeouts_count_against_the_server() {
    let (exit, failed) = checks(&with_timeout(passed(Mode::Echo)));
    assert_eq!((exit, failed), (3, vec!["lost".to_owned(), "errors".to_owned()]));
}

#[test]
fn timeouts_of_an_overloaded_generator_do_not_count_against_the_server() {
    for mode in [Mode::Echo, Mode::Watch, Mode::Play] {
        let run = with_timeout(overloaded(mode));
        let (exit, failed) = checks(&run);
        assert_eq!((exit, failed), (5, vec!["generator_late_us".to_owned()]));
        let diagnosis = diagnosis(&run);
        assert!(diagnosis.contains("the generator was the bottleneck"), "{diagnosis}");
        assert!(diagnosis.contains("may have arrived"), "{diagnosis}");
        assert!(!diagnosis.contains("check the server"), "{diagnosis}");
        assert!(!diagnosis.contains("at fault"), "{diagnosis}");
    }
    // Faults that do not depend on time still count.
    let mut run = with_timeout(overloaded(Mode::Watch));
    run.tally.counts.duplicated = 1;
    let (exit, failed) = checks(&run);
    assert_eq!((exit, &failed[0][..]), (3, "duplicated"));
    assert!(diagnosis(&run).contains("the server is at fault"));
}

#[test]
fn one_long_stall_of_the_generator_makes_timeouts_doubtful() {
    let mut run = passed(Mode::Echo);
    for _ in 0..1000 {
        run.tally.timer_lateness.record(Duration::from_millis(1));
    }
    run.tally.timer_lateness.record(Duration::from_secs(6));
    assert_eq!(checks(&run), (0, vec![]), "without a timeout it does no harm");
    assert_eq!(checks(&with_timeout(run)), (5, vec!["generator_stalled_us".to_owned()]));
}

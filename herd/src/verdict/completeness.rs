use super::{
    check::{Category, FailedCheck},
    number::number,
};
use crate::{failure::FailureKind, mode::Mode, run::Run};

/// The failed checks of whether the run did what was requested.
pub fn failed_completeness_checks(run: &Run) -> Vec<FailedCheck> {
    let mut failed = failed_self_checks(run);
    // An interrupted run was asked to stop early.
    if run.interrupted.is_some() {
        return failed;
    }
    let (plan, tally, dispatched) = (&run.plan, &run.tally, &run.dispatched);
    // With a rate, some jobs become due just as the time is up.
    let allowed = if plan.arrivals.is_some() { dispatched.jobs / 10 + 1 } else { 0 };
    failed.extend(above("not_started", number(allowed), number(dispatched.not_started)));
    if let Some((min, rate)) = dispatched.missed_rate(plan.arrivals)
        && dispatched.was_throttled()
    {
        failed.push(FailedCheck::new(Category::Incomplete, "rate", min, rate));
    }
    let has_no_moves = plan.mode == Mode::Play && tally.moves.sent == tally.moves.refused;
    if tally.counts.expected == 0 || has_no_moves {
        failed.push(FailedCheck::new(Category::Incomplete, "nothing_checked", 1.0, 0.0));
    }
    failed
}

/// The failed checks of the herd itself. `--fail-if` cannot allow these: without them no measurement
/// is worth anything.
fn failed_self_checks(run: &Run) -> Vec<FailedCheck> {
    let bugs = run.tally.failures.count_of(|kind| kind == FailureKind::Bug);
    let failed_workers = u64::try_from(run.failed_workers).unwrap_or(u64::MAX);
    let failures = number(bugs.saturating_add(failed_workers));
    let throttle = (run.plan.throttle > 0)
        .then(|| above("max_active", number(run.plan.throttle), number(run.max_active)));
    above("generator_failed", 0.0, failures).into_iter().chain(throttle.flatten()).collect()
}

fn above(check: &str, limit: f64, value: f64) -> Option<FailedCheck> {
    (value > limit).then(|| FailedCheck::new(Category::Incomplete, check, limit, value))
}

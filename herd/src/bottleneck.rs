use std::time::Duration;

use super::{
    failure::FailureKind,
    run::Run,
    verdict::{Blame, Failed, Measured, number},
};

/// Timers that are later than this, and by more than half of what was measured, say that what was
/// measured is the generator rather than the server.
const LATE: Duration = Duration::from_millis(50);

/// A worker that is busy for a larger part of a run than this could not have done more.
const BUSY: f64 = 0.95;

/// In a shorter run nobody can say who was busy.
const SHORT: Duration = Duration::from_secs(1);

/// Whether the generator itself was too slow for what was asked of it.
pub fn bottleneck(run: &Run, measured: &Measured) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut blame = |check: &str, limit: f64, value: f64| {
        failed.push(Failed::new(Blame::Generator, check, limit, value));
    };
    let busy = run.cost.busiest_worker.as_secs_f64() / run.took.as_secs_f64();
    if run.took >= SHORT && busy > BUSY {
        blame("generator_busy", BUSY, busy);
    }
    // Half of what was measured, or else of what was waited for in vain.
    let half = measured.service.percentiles().map(|service| service.p99 / 2);
    let half_timeout = micros(run.plan.timeout / 2);
    let late = run.tally.lateness.percentiles();
    let (late_p99, late_max) = late.map_or((0, 0), |late| (late.p99, late.max));
    let limit = micros(LATE).max(half.unwrap_or(half_timeout));
    if late_p99 > limit {
        blame("generator_late_us", number(limit), number(late_p99));
    }
    let in_vain =
        run.tally.overdue > 0 || run.tally.failures.count_of(FailureKind::is_about_time) > 0;
    if in_vain && late_p99 <= limit && late_max > half_timeout {
        blame("generator_stalled_us", number(half_timeout), number(late_max));
    }
    if let Some((least, reached)) = run.dispatched.missed_rate(run.plan.arrivals)
        // With a place free at all times, nobody else can be the reason.
        && !run.dispatched.was_held_back()
    {
        blame("generator_rate", least, reached);
    }
    failed
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

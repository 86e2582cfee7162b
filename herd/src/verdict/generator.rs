use super::{
    check::{Category, FailedCheck},
    measured::Measured,
    number::number,
};
use crate::{failure::FailureKind, run::Run};
use std::time::Duration;

/// Timers that are later than this, and by more than half of the measured latency, mean that the
/// generator was measured rather than the server.
const MAX_LATENESS: Duration = Duration::from_millis(50);

/// A worker that was busy for a larger share of the run could not have done more.
const MAX_BUSY: f64 = 0.95;

/// The shortest run in which the share of busy time means anything.
const MIN_RUN: Duration = Duration::from_secs(1);

/// The checks of the generator itself that failed: whether it was the bottleneck.
pub fn failed_generator_checks(run: &Run, measured: &Measured) -> Vec<FailedCheck> {
    let mut failed = Vec::new();
    let mut fail = |check: &str, limit: f64, value: f64| {
        failed.push(FailedCheck::new(Category::Generator, check, limit, value));
    };
    let busy = run.cost.busiest_worker.as_secs_f64() / run.took.as_secs_f64();
    if run.took >= MIN_RUN && busy > MAX_BUSY {
        fail("generator_busy", MAX_BUSY, busy);
    }
    // Half of the measured latency, or of the timeout if there were no replies to measure.
    let half_latency = measured.service.percentiles().map(|service| service.p99 / 2);
    let half_timeout = micros(run.plan.timeout / 2);
    let late = run.tally.timer_lateness.percentiles();
    let (late_p99, late_max) = late.map_or((0, 0), |late| (late.p99, late.max));
    let limit = micros(MAX_LATENESS).max(half_latency.unwrap_or(half_timeout));
    if late_p99 > limit {
        fail("generator_late_us", number(limit), number(late_p99));
    }
    let has_timeouts =
        run.tally.lost_by_timeout > 0 || run.tally.failures.count_of(FailureKind::is_timeout) > 0;
    if has_timeouts && late_p99 <= limit && late_max > half_timeout {
        fail("generator_stalled_us", number(half_timeout), number(late_max));
    }
    if let Some((min, rate)) = run.dispatched.missed_rate(run.plan.arrivals)
        // If there was always a free slot, only the generator can be the cause.
        && !run.dispatched.was_throttled()
    {
        fail("generator_rate", min, rate);
    }
    failed
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

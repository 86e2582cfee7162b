use std::time::Duration;

use super::{
    limit::{Clock, Limit, Metric, Quantile},
    measure::{Latencies, Percentiles, TickQuality},
    plan::Mode,
    run::Run,
};

/// Timers that are later than this, and by more than half of what was measured, say that what was
/// measured is the generator rather than the server.
const LATE: Duration = Duration::from_millis(50);

/// A worker that is busy for a larger part of a run than this could not have done more.
const BUSY: f64 = 0.95;

/// A run that reaches less of the rate asked for, though nothing held it back, was too slow itself.
const REACHED: f64 = 0.9;

/// In a shorter run nobody can say who was busy.
const SHORT: Duration = Duration::from_secs(1);

/// Who a failed check blames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The stream was not what it should be.
    Stream,
    /// The run could not be done as asked.
    NotRun,
    /// The generator was the bottleneck.
    Generator,
    /// A limit that was asked for was crossed.
    Limit,
}

impl Blame {
    /// The exit code that says so.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::NotRun => 1,
            Self::Stream => 3,
            Self::Limit => 4,
            Self::Generator => 5,
        }
    }

    /// Which of several is the one to tell: what was wrong before what was slow, and a generator that
    /// is too slow before limits, which it makes meaningless.
    fn weight(self) -> u8 {
        match self {
            Self::Stream => 0,
            Self::NotRun => 1,
            Self::Generator => 2,
            Self::Limit => 3,
        }
    }
}

/// A check that a run did not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// Whom it blames.
    pub blame: Blame,
    /// What was checked.
    pub check: String,
    /// What it may be, in the unit of the metric.
    pub limit: f64,
    /// What it was, if it is known.
    pub value: Option<f64>,
}

/// What was measured, as checks and reports see it.
#[derive(Debug)]
pub struct Measured {
    /// From when it began until it was done; of watching members, how long events were under way.
    pub service: Latencies,
    /// From when it should have begun; empty if that was not planned.
    pub response: Latencies,
    /// From the first to the last that got the same event.
    pub skew: Option<Percentiles>,
    /// How well the clock ticked.
    pub ticks: TickQuality,
}

impl Measured {
    /// What `run` measured.
    pub fn new(run: &Run) -> Self {
        let tally = &run.tally;
        let service = match run.plan.mode {
            Mode::Watch => tally.delays.clone().latencies(),
            Mode::Echo | Mode::Play => tally.service.clone(),
        };
        Self {
            service,
            response: tally.response.clone(),
            skew: run.settled.skew.percentiles(),
            ticks: tally.ticks.clone().quality(),
        }
    }
}

/// The checks that `run` did not pass.
pub fn failed_checks(run: &Run, measured: &Measured) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut check = |blame, check: &str, limit: f64, value: f64| {
        if value > limit {
            failed.push(Failed { blame, check: check.to_owned(), limit, value: Some(value) });
        }
    };
    let counts = &run.tally.counts;
    check(Blame::Stream, "lost", 0.0, number(counts.lost));
    check(Blame::Stream, "duplicated", 0.0, number(counts.duplicated));
    check(Blame::Stream, "out_of_order", 0.0, number(counts.out_of_order));
    check(Blame::Stream, "malformed", 0.0, number(counts.malformed));
    let allows_errors =
        |limit: &Limit| matches!(limit.metric, Metric::Errors | Metric::ErrorPercent);
    if !run.plan.limits.iter().any(allows_errors) {
        check(Blame::NotRun, "errors", 0.0, number(run.tally.failures.count()));
    }
    // Members of a game who never got in; of echoes, as many are sent as there is time for.
    if run.plan.mode != Mode::Echo && run.interrupted.is_none() {
        check(Blame::NotRun, "not_begun", 0.0, number(run.dispatched.left));
    }
    if run.plan.throttle > 0 {
        check(Blame::NotRun, "max_active", number(run.plan.throttle), number(run.most_active));
    }
    failed.extend(bottleneck(run, measured));
    let crossed = run.plan.limits.iter().filter_map(|limit| {
        let value = value(limit.metric, run, measured);
        limit.is_crossed(value).then(|| Failed {
            blame: Blame::Limit,
            check: limit.to_string(),
            limit: limit.threshold,
            value,
        })
    });
    failed.extend(crossed);
    failed
}

/// The exit code that tells `failed`.
pub fn exit_code(failed: &[Failed]) -> u8 {
    let worst = failed.iter().map(|failed| failed.blame).min_by_key(|blame| blame.weight());
    worst.map_or(0, Blame::exit_code)
}

/// Whether the generator itself was too slow for what was asked of it.
fn bottleneck(run: &Run, measured: &Measured) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut blame = |check: &str, limit: f64, value: f64| {
        let check = check.to_owned();
        failed.push(Failed { blame: Blame::Generator, check, limit, value: Some(value) });
    };
    let busy = run.cost.busiest_worker.as_secs_f64() / run.took.as_secs_f64();
    if run.took >= SHORT && busy > BUSY {
        blame("generator_busy", BUSY, busy);
    }
    let late = run.tally.lateness.percentiles().map_or(0, |late| late.p99);
    let half = measured.service.percentiles().map(|service| service.p99 / 2);
    let limit = micros(LATE).max(half.unwrap_or(u64::MAX));
    if late > limit {
        blame("generator_late_us", number(limit), number(late));
    }
    if let (Some(arrivals), Some(reached)) = (run.plan.arrivals, run.dispatched.rate())
        && arrivals.ramp.is_zero()
        && reached < arrivals.rate * REACHED
        // With a place free at all times, nobody else can be the reason.
        && run.dispatched.held_back < run.dispatched.span / 10
    {
        blame("generator_rate", arrivals.rate * REACHED, reached);
    }
    failed
}

/// What `metric` was in `run`; `None` if it was not measured.
fn value(metric: Metric, run: &Run, measured: &Measured) -> Option<f64> {
    let of = |percentiles: Option<Percentiles>, quantile| {
        percentiles.map(|found| number(pick(&found, quantile)))
    };
    let tally = &run.tally;
    match metric {
        Metric::Latency(Clock::Service, quantile) => of(measured.service.percentiles(), quantile),
        Metric::Latency(Clock::Response, quantile) => of(measured.response.percentiles(), quantile),
        Metric::Skew(quantile) => of(measured.skew, quantile),
        Metric::TickLateness(Quantile::P50) => measured.ticks.late_p50_us.map(number),
        Metric::TickLateness(Quantile::Max) => measured.ticks.late_max_us.map(number),
        Metric::TickLateness(_) => measured.ticks.late_p99_us.map(number),
        Metric::Rate => run.dispatched.rate(),
        Metric::Deliveries => Some(deliveries_per_second(run)),
        Metric::Errors => Some(number(tally.failures.count())),
        Metric::ErrorPercent => (tally.started > 0)
            .then(|| 100.0 * number(tally.failures.count()) / number(tally.started)),
        Metric::Lost => Some(number(tally.counts.lost)),
        Metric::Told => Some(number(tally.counts.told)),
    }
}

/// Events and echoes that came, per second.
pub fn deliveries_per_second(run: &Run) -> f64 {
    number(run.tally.counts.received) / run.took.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn pick(percentiles: &Percentiles, quantile: Quantile) -> u64 {
    match quantile {
        Quantile::P50 => percentiles.p50,
        Quantile::P90 => percentiles.p90,
        Quantile::P99 => percentiles.p99,
        Quantile::P999 => percentiles.p999,
        Quantile::Max => percentiles.max,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// As a number to compare with a limit: exact up to 2^53, which is more than anybody counts.
fn number<N: TryInto<i64>>(count: N) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let number = count.try_into().map_or(f64::MAX, |count: i64| count as f64);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(blame: Blame) -> Failed {
        Failed { blame, check: String::new(), limit: 0.0, value: None }
    }

    #[test]
    fn the_worst_is_told() {
        assert_eq!(exit_code(&[]), 0);
        let (stream, not_run) = (failed(Blame::Stream), failed(Blame::NotRun));
        let (generator, limit) = (failed(Blame::Generator), failed(Blame::Limit));
        assert_eq!(exit_code(&[not_run.clone(), stream, limit.clone()]), 3);
        assert_eq!(exit_code(&[limit.clone(), not_run, generator.clone()]), 1);
        assert_eq!(exit_code(&[limit.clone(), generator]), 5);
        assert_eq!(exit_code(&[limit]), 4);
    }
}

use super::{
    bottleneck::bottleneck,
    failure::FailureKind,
    limit::{Clock, Limit, Metric, Quantile},
    measure::{Latencies, Percentiles, TickQuality},
    plan::Mode,
    run::Run,
};

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

impl Failed {
    /// A check that was not passed: it may be `limit`, and was `value`.
    pub fn new(blame: Blame, check: &str, limit: f64, value: f64) -> Self {
        Self { blame, check: check.to_owned(), limit, value: Some(value) }
    }
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
    let generator = bottleneck(run, measured);
    let mut failed = wrong(run, !generator.is_empty());
    failed.extend(not_run(run));
    failed.extend(generator);
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

/// What members saw that should not be. If the generator `was_starved`, it is not said of what it did
/// not get in time: it may have come.
fn wrong(run: &Run, was_starved: bool) -> Vec<Failed> {
    let mut failed = Vec::new();
    let mut check = |blame, check: &str, value: f64| {
        if value > 0.0 {
            failed.push(Failed::new(blame, check, 0.0, value));
        }
    };
    let (counts, failures) = (&run.tally.counts, &run.tally.failures);
    let overdue = if was_starved { run.tally.overdue } else { 0 };
    check(Blame::Stream, "lost", number(counts.lost - overdue));
    check(Blame::Stream, "duplicated", number(counts.duplicated));
    check(Blame::Stream, "out_of_order", number(counts.out_of_order));
    check(Blame::Stream, "malformed", number(counts.malformed));
    let allows_errors =
        |limit: &Limit| matches!(limit.metric, Metric::Errors | Metric::ErrorPercent);
    if !run.plan.limits.iter().any(allows_errors) {
        let errors = failures.count_of(|kind| !(was_starved && kind.is_about_time()));
        check(Blame::NotRun, "errors", number(errors));
    }
    failed
}

/// What was asked for, and not done.
fn not_run(run: &Run) -> Vec<Failed> {
    let (plan, tally, dispatched) = (&run.plan, &run.tally, &run.dispatched);
    let mut failed = Vec::new();
    let mut check = |check: &str, limit: f64, value: f64| {
        if value > limit {
            failed.push(Failed::new(Blame::NotRun, check, limit, value));
        }
    };
    // Neither is what --fail-if can allow: there is nothing that a limit could be held against.
    let bugs = tally.failures.count_of(|kind| kind == FailureKind::Bug);
    let failed_workers = u64::try_from(run.failed_workers).unwrap_or(u64::MAX);
    check("generator_failed", 0.0, number(bugs.saturating_add(failed_workers)));
    if plan.throttle > 0 {
        check("max_active", number(plan.throttle), number(run.most_active));
    }
    // An interrupted run was asked to do no more.
    if run.interrupted.is_some() {
        return failed;
    }
    let mut check = |check: &str, limit: f64, value: f64| {
        if value > limit {
            failed.push(Failed::new(Blame::NotRun, check, limit, value));
        }
    };
    // Of the jobs of a rate, some are due just when the time is up.
    let late = if plan.arrivals.is_some() { dispatched.jobs / 10 + 1 } else { 0 };
    check("not_begun", number(late), number(dispatched.left));
    if let Some((least, reached)) = dispatched.missed_rate(plan.arrivals)
        && dispatched.was_held_back()
    {
        failed.push(Failed::new(Blame::NotRun, "rate", least, reached));
    }
    let sent_none = plan.mode == Mode::Play && tally.moves.sent == 0;
    if tally.counts.expected == 0 || sent_none {
        failed.push(Failed::new(Blame::NotRun, "nothing_checked", 1.0, 0.0));
    }
    failed
}

/// The exit code that tells `failed`.
pub fn exit_code(failed: &[Failed]) -> u8 {
    let worst = failed.iter().map(|failed| failed.blame).min_by_key(|blame| blame.weight());
    worst.map_or(0, Blame::exit_code)
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

/// As a number to compare with a limit: exact up to 2^53, which is more than anybody counts.
pub fn number<N: TryInto<i64>>(count: N) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let number = count.try_into().map_or(f64::MAX, |count: i64| count as f64);
    number
}

#[cfg(test)]
mod tests;

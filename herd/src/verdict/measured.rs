use super::number::number;
use crate::{
    measure::{Latencies, Percentiles, TickQuality},
    metric::{LatencyKind, Metric, Quantile},
    mode::Mode,
    run::Run,
};

/// The measurements of a run, as checks and reports use them.
#[derive(Debug)]
pub struct Measured {
    /// From the start of jobs or moves to their end; in `watch`, how long events took to arrive.
    pub service: Latencies,
    /// From the scheduled start; empty without a schedule.
    pub response: Latencies,
    /// From the first to the last client that received the same event.
    pub skew: Option<Percentiles>,
    /// How regularly the clock ticked.
    pub ticks: TickQuality,
}

impl Measured {
    /// The measurements of `run`.
    pub fn new(run: &Run) -> Self {
        let tally = &run.tally;
        let service = match run.plan.mode {
            Mode::Watch => tally.delays.clone().latencies(),
            Mode::Echo | Mode::Play => tally.service.clone(),
        };
        Self {
            service,
            response: tally.response.clone(),
            skew: run.skew.percentiles(),
            ticks: tally.ticks.clone().quality(),
        }
    }

    /// The value of `metric` in `run`; `None` if it was not measured.
    pub fn value(&self, metric: Metric, run: &Run) -> Option<f64> {
        let of = |percentiles: Option<Percentiles>, quantile| {
            percentiles.map(|found| number(pick(&found, quantile)))
        };
        let tally = &run.tally;
        match metric {
            Metric::Latency(LatencyKind::Service, quantile) => {
                of(self.service.percentiles(), quantile)
            }
            Metric::Latency(LatencyKind::Response, quantile) => {
                of(self.response.percentiles(), quantile)
            }
            Metric::Skew(quantile) => of(self.skew, quantile),
            Metric::TickLateness(Quantile::P50) => self.ticks.late_p50_us.map(number),
            Metric::TickLateness(Quantile::Max) => self.ticks.late_max_us.map(number),
            Metric::TickLateness(_) => self.ticks.late_p99_us.map(number),
            Metric::Rate => run.dispatched.rate(),
            Metric::Deliveries => Some(deliveries_per_second(run)),
            Metric::Errors => Some(number(tally.failures.count())),
            Metric::ErrorPercent => (tally.started > 0)
                .then(|| 100.0 * number(tally.failures.count()) / number(tally.started)),
            Metric::Lost => Some(number(tally.counts.lost)),
            Metric::SkippedNotified => Some(number(tally.counts.skipped_notified)),
        }
    }
}

/// Events and echoes received per second.
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

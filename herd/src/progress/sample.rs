use std::time::Duration;

use serde::Serialize;

use crate::measure::{Counts, Delays, Latencies, Percentiles, Tally};

/// The state of a run at one moment.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The time since the start.
    pub at: Duration,
    /// Active jobs.
    pub active: usize,
    /// Jobs started.
    pub started: u64,
    /// Jobs completed without a failure.
    pub completed: u64,
    /// Jobs failed.
    pub failed: u64,
    /// Events and echoes.
    pub counts: Counts,
    /// Latency of jobs or moves.
    pub service: Latencies,
    /// How long events took to arrive.
    pub delays: Delays,
}

/// A sample as a row of a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Milliseconds since the start.
    pub t_ms: u64,
    /// Active jobs.
    pub active: usize,
    /// Jobs started.
    pub started: u64,
    /// Jobs completed without a failure.
    pub completed: u64,
    /// Jobs failed.
    pub failed: u64,
    /// Events and echoes.
    #[serde(flatten)]
    pub counts: Counts,
    /// The median latency so far, in microseconds.
    pub p50_us: Option<u64>,
    /// The 99th percentile so far, in microseconds.
    pub p99_us: Option<u64>,
}

impl Sample {
    /// Adds the tally of a worker.
    pub fn add(&mut self, tally: &Tally) {
        self.started += tally.started;
        self.completed += tally.completed;
        self.failed += tally.failures.count();
        self.counts += tally.counts;
        self.service.merge(&tally.service);
        self.delays.merge(&tally.delays);
    }

    /// The latency so far: of jobs or moves if there are any, otherwise of events.
    pub fn percentiles(&self) -> Option<Percentiles> {
        self.service.percentiles().or_else(|| self.delays.clone().latencies().percentiles())
    }

    /// The sample as a row.
    pub fn row(&self) -> Row {
        let percentiles = self.percentiles();
        Row {
            t_ms: u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX),
            active: self.active,
            started: self.started,
            completed: self.completed,
            failed: self.failed,
            counts: self.counts,
            p50_us: percentiles.map(|found| found.p50),
            p99_us: percentiles.map(|found| found.p99),
        }
    }
}

/// Deliveries per second between two rows.
#[expect(clippy::cast_precision_loss, reason = "it is shown to three digits")]
pub fn rate(before: &Row, now: &Row) -> f64 {
    let seconds = now.t_ms.saturating_sub(before.t_ms) as f64 / 1000.0;
    if seconds > 0.0 {
        (now.counts.received - before.counts.received) as f64 / seconds
    } else {
        0.0
    }
}

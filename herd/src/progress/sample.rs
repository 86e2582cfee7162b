use std::time::Duration;

use serde::Serialize;

use crate::measure::{Counts, Delays, Latencies, Percentiles, Tally};

/// How a run stands at a moment.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Since the beginning.
    pub at: Duration,
    /// Jobs that are active.
    pub active: usize,
    /// Jobs that have begun.
    pub started: u64,
    /// Jobs that have ended as they should.
    pub done: u64,
    /// Jobs that have failed.
    pub failed: u64,
    /// What became of events and echoes.
    pub counts: Counts,
    /// How long it took, in what was asked for.
    pub service: Latencies,
    /// How long events were under way.
    pub delays: Delays,
}

/// The same as plain numbers, as in a table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Milliseconds since the beginning.
    pub t_ms: u64,
    /// Jobs that are active.
    pub active: usize,
    /// Jobs that have begun.
    pub started: u64,
    /// Jobs that have ended as they should.
    pub done: u64,
    /// Jobs that have failed.
    pub failed: u64,
    /// What became of events and echoes.
    #[serde(flatten)]
    pub counts: Counts,
    /// Half of all so far were no slower, in microseconds.
    pub p50_us: Option<u64>,
    /// 99 of 100 so far were no slower, in microseconds.
    pub p99_us: Option<u64>,
}

impl Sample {
    /// Adds what the members of one worker saw.
    pub fn add(&mut self, tally: &Tally) {
        self.started += tally.started;
        self.done += tally.done;
        self.failed += tally.failures.count();
        self.counts += tally.counts;
        self.service.merge(&tally.service);
        self.delays.merge(&tally.delays);
    }

    /// How long things took so far: what was asked for if anything was, and otherwise how long events
    /// were under way.
    pub fn percentiles(&self) -> Option<Percentiles> {
        self.service.percentiles().or_else(|| self.delays.clone().latencies().percentiles())
    }

    /// The same as plain numbers.
    pub fn row(&self) -> Row {
        let percentiles = self.percentiles();
        Row {
            t_ms: u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX),
            active: self.active,
            started: self.started,
            done: self.done,
            failed: self.failed,
            counts: self.counts,
            p50_us: percentiles.map(|found| found.p50),
            p99_us: percentiles.map(|found| found.p99),
        }
    }
}

/// How many per second came between two samples.
#[expect(clippy::cast_precision_loss, reason = "it is shown to three digits")]
pub fn rate(before: &Row, now: &Row) -> f64 {
    let seconds = now.t_ms.saturating_sub(before.t_ms) as f64 / 1000.0;
    if seconds > 0.0 {
        (now.counts.received - before.counts.received) as f64 / seconds
    } else {
        0.0
    }
}

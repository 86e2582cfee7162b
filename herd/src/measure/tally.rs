use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use super::{
    counts::Counts, delays::Delays, latencies::Latencies, lock::lock, ticks::Ticks,
    violation::Violation,
};
use crate::failure::Failures;

/// How many violations are kept.
pub const MAX_VIOLATIONS: usize = 20;

/// How many violations of one client are kept.
const MAX_VIOLATIONS_EACH: usize = 3;

/// A violation, and the client that observed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedViolation {
    /// The number of the client, from 1.
    pub client: u64,
    /// What it observed.
    pub violation: Violation,
}

/// Counts of the moves of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Moves sent.
    pub sent: u64,
    /// Moves that returned as events.
    pub returned: u64,
    /// Moves that the server refused.
    pub refused: u64,
}

/// Everything that the clients of one worker have observed.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Jobs started.
    pub started: u64,
    /// Jobs that connected, and in a game received its state: from there on there is something to
    /// check.
    pub connected: u64,
    /// Jobs completed without a failure.
    pub completed: u64,
    /// Failed jobs, by kind.
    pub failures: Failures,
    /// The sum of the durations of all jobs.
    pub total_duration: Duration,
    /// Events and echoes.
    pub counts: Counts,
    /// How many of the lost events missed a timeout, and may have arrived later.
    pub lost_by_timeout: i64,
    /// The first violations.
    pub violations: Vec<ObservedViolation>,
    /// From the start of a job or a move to its end.
    pub service: Latencies,
    /// The same from the scheduled start.
    pub response: Latencies,
    /// From the start of a connection until the client had the state.
    pub join: Latencies,
    /// How long events took to arrive.
    pub delays: Delays,
    /// How regularly the clock ticks.
    pub ticks: Ticks,
    /// Moves.
    pub moves: Moves,
    /// How late the worker's own timers were.
    pub timer_lateness: Latencies,
}

impl Tally {
    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.connected += other.connected;
        self.completed += other.completed;
        self.failures.merge(&other.failures);
        self.total_duration += other.total_duration;
        self.counts += other.counts;
        self.lost_by_timeout += other.lost_by_timeout;
        for observed in &other.violations {
            self.record_violation(observed.client, observed.violation);
        }
        self.service.merge(&other.service);
        self.response.merge(&other.response);
        self.join.merge(&other.join);
        self.delays.merge(&other.delays);
        self.ticks.merge(&other.ticks);
        self.moves.sent += other.moves.sent;
        self.moves.returned += other.moves.returned;
        self.moves.refused += other.moves.refused;
        self.timer_lateness.merge(&other.timer_lateness);
    }

    /// Keeps `violation`, unless there are too many already, in all or of this client.
    pub fn record_violation(&mut self, client: u64, violation: Violation) {
        let of_client = self.violations.iter().filter(|found| found.client == client).count();
        if self.violations.len() < MAX_VIOLATIONS && of_client < MAX_VIOLATIONS_EACH {
            self.violations.push(ObservedViolation { client, violation });
        }
    }
}

/// A tally that is written by a worker and read during the run. It is locked only briefly.
#[derive(Clone, Debug, Default)]
pub struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    /// Locks the tally.
    pub fn lock(&self) -> MutexGuard<'_, Tally> {
        lock(&self.0)
    }
}

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{counts::Counts, delays::Delays, latencies::Latencies, offence::Offence, ticks::Ticks};
use crate::failure::Failures;

/// How many offenders are named.
pub const MOST_OFFENDERS: usize = 20;

/// How many offences of one are.
const MOST_OFFENCES: usize = 3;

/// A member with whose stream something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offender {
    /// Which, the first being 1.
    pub member: u64,
    /// What is wrong.
    pub offence: Offence,
}

/// What became of the moves that members made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// So many were sent.
    pub sent: u64,
    /// So many came back as events.
    pub back: u64,
    /// So many were refused.
    pub refused: u64,
}

/// All that the members of one worker have seen.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Jobs that have begun.
    pub started: u64,
    /// Jobs that got as far as there being something to check: they are connected, or know the
    /// state of the game.
    pub joined: u64,
    /// Jobs that have ended as they should.
    pub done: u64,
    /// Jobs that failed, by kind.
    pub failures: Failures,
    /// How long all jobs took together.
    pub busy: Duration,
    /// What became of events and echoes.
    pub counts: Counts,
    /// How many of the lost are only known not to have come in time.
    pub overdue: i64,
    /// The first with whom something was wrong.
    pub offenders: Vec<Offender>,
    /// From when a job or a move began until it was done.
    pub service: Latencies,
    /// From when it should have begun.
    pub response: Latencies,
    /// From when a member began to connect until it knew the state of the game.
    pub join: Latencies,
    /// How long after they were stamped events came.
    pub delays: Delays,
    /// How well the clock ticks.
    pub ticks: Ticks,
    /// What became of moves.
    pub moves: Moves,
    /// How late the worker's own timers were.
    pub lateness: Latencies,
}

impl Tally {
    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.joined += other.joined;
        self.done += other.done;
        self.failures.merge(&other.failures);
        self.busy += other.busy;
        self.counts += other.counts;
        self.overdue += other.overdue;
        for offender in &other.offenders {
            self.name(offender.member, offender.offence);
        }
        self.service.merge(&other.service);
        self.response.merge(&other.response);
        self.join.merge(&other.join);
        self.delays.merge(&other.delays);
        self.ticks.merge(&other.ticks);
        self.moves.sent += other.moves.sent;
        self.moves.back += other.moves.back;
        self.moves.refused += other.moves.refused;
        self.lateness.merge(&other.lateness);
    }

    /// Names `member`, if not too many are named already, nor this one too often.
    pub fn name(&mut self, member: u64, offence: Offence) {
        let named = self.offenders.iter().filter(|offender| offender.member == member).count();
        if self.offenders.len() < MOST_OFFENDERS && named < MOST_OFFENCES {
            self.offenders.push(Offender { member, offence });
        }
    }
}

/// A tally that is written to while others look at it. It is only ever locked for a moment.
#[derive(Clone, Debug, Default)]
pub struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    /// The tally. A member that panicked while it held it has left at most its own counts unfinished,
    /// and its failure is counted: that is no reason to lose those of all others.
    pub fn lock(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

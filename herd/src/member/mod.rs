//! The members of a herd: what a job does.

mod connect;
mod echo;
mod lines;
mod player;
mod seat;
mod spectator;

use std::{
    cell::RefCell,
    panic::AssertUnwindSafe,
    sync::{Arc, MutexGuard},
};

use futures_util::FutureExt;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    failure::{Failure, FailureKind},
    measure::{Comparison, SharedTally, Tally},
    plan::{Mode, Plan},
    throttle::Place,
};

/// How much is read at once.
const READ_SIZE: usize = 64 << 10;

/// What all members of a herd share.
#[derive(Debug)]
pub struct Herd {
    /// What they do.
    pub plan: Plan,
    /// When it began. All times are from here.
    pub start: Instant,
    /// What they got, compared.
    pub comparison: Comparison,
    /// Is cancelled when members are to leave, once they have got what others have.
    pub leaving: CancellationToken,
    /// Is cancelled when the game is over, as more than one member has seen.
    pub over: CancellationToken,
    /// Is told when each job begins and ends, if anybody wants to know.
    pub chronicle: Option<mpsc::Sender<String>>,
}

/// What the members of one worker share.
#[derive(Debug)]
pub struct Pen {
    /// The whole herd.
    pub herd: Arc<Herd>,
    /// What the members of this worker have seen.
    pub tally: SharedTally,
    /// Where members read into, one after the other: most have nothing to read most of the time.
    scratch: RefCell<Vec<u8>>,
}

/// Something to do for a member.
#[derive(Debug)]
pub struct Job {
    /// Which, the first being 1.
    pub number: u64,
    /// When it should have begun, if that was planned.
    pub intended: Option<Instant>,
    /// Its place in the queue.
    pub place: Place,
}

/// Counts how long a job takes, until it is dropped.
struct Busy<'a> {
    pen: &'a Pen,
    since: Instant,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.pen.tally().busy += self.since.elapsed();
    }
}

/// A job that has begun.
#[derive(Clone, Copy, Debug)]
struct Begun {
    number: u64,
    intended: Option<Instant>,
    at: Instant,
}

impl Pen {
    /// A pen of `herd` that keeps its tally in `tally`.
    pub fn new(herd: Arc<Herd>, tally: SharedTally) -> Self {
        Self { herd, tally, scratch: RefCell::new(vec![0; READ_SIZE]) }
    }

    /// Does `job`, and tallies how it went.
    pub async fn run(&self, job: Job) {
        let active = job.place.take();
        let begun = Begun { number: job.number, intended: job.intended, at: Instant::now() };
        self.tally().started += 1;
        self.tell(begun.at, format_args!("job {} begins", begun.number)).await;
        let outcome = self.outcome_of(self.attend(begun), begun.at).await;
        let took = begun.at.elapsed();
        let end = match &outcome {
            Ok(()) => String::new(),
            Err(failure) => format!(": {} ({})", failure.kind.name(), failure.detail),
        };
        {
            let mut tally = self.tally();
            match &outcome {
                Ok(()) => tally.done += 1,
                Err(failure) => tally.failures.add(begun.number, failure),
            }
        }
        drop(active);
        let (number, seconds) = (begun.number, took.as_secs_f64());
        self.tell(Instant::now(), format_args!("job {number} ends after {seconds:.3} s{end}"))
            .await;
    }

    /// How `job`, which began at `since`, ends: by itself or by a panic.
    async fn outcome_of(
        &self,
        job: impl Future<Output = Result<(), Failure>>,
        since: Instant,
    ) -> Result<(), Failure> {
        let busy = Busy { pen: self, since };
        let outcome = AssertUnwindSafe(job).catch_unwind().await;
        drop(busy);
        outcome.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::Bug, "the job panicked; the message is above"))
        })
    }

    async fn attend(&self, begun: Begun) -> Result<(), Failure> {
        match self.herd.plan.mode {
            Mode::Echo => echo::echo(self, begun).await,
            Mode::Watch | Mode::Play => spectator::attend(self, begun).await,
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock()
    }

    /// Microseconds since the run began.
    fn micros(&self, at: Instant) -> u64 {
        u64::try_from((at - self.herd.start).as_micros()).unwrap_or(u64::MAX)
    }

    async fn tell(&self, at: Instant, what: std::fmt::Arguments<'_>) {
        if let Some(chronicle) = &self.herd.chronicle {
            let seconds = (at - self.herd.start).as_secs_f64();
            // Nobody listens any more when the run is over.
            let _ = chronicle.send(format!("{seconds:9.3} s  {what}")).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::tests::herd;

    #[tokio::test]
    async fn a_member_that_panics_while_it_counts_is_a_failure_like_any_other() {
        let pen = Pen::new(Arc::new(herd(Mode::Echo)), SharedTally::default());
        let panics = async {
            let mut tally = pen.tally();
            tally.joined += 1;
            panic!("on purpose");
        };
        let outcome = pen.outcome_of(panics, Instant::now()).await;
        assert_eq!(outcome.unwrap_err().kind, FailureKind::Bug);
        pen.tally().done += 1;
        let tally = pen.tally();
        assert_eq!((tally.joined, tally.done), (1, 1), "what others saw is still there");
    }
}

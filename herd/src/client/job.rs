use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{context::WorkerContext, echo::echo, spectator::follow_game};
use crate::{
    failure::{Failure, FailureKind},
    mode::Mode,
    throttle::Permit,
};

/// A job: one virtual client.
#[derive(Debug)]
pub struct Job {
    /// Its number, from 1: also the number of the client.
    pub number: u64,
    /// When it was scheduled to start, if there is a schedule.
    pub due: Option<Instant>,
    /// Its permit to be active.
    pub permit: Permit,
}

/// A job that has started.
#[derive(Clone, Copy, Debug)]
pub(super) struct StartedJob {
    pub(super) number: u64,
    pub(super) due: Option<Instant>,
    pub(super) at: Instant,
}

/// Adds the duration of a job to the tally when it is dropped, however the job ends.
struct DurationGuard<'a> {
    context: &'a WorkerContext,
    since: Instant,
}

impl Drop for DurationGuard<'_> {
    fn drop(&mut self) {
        self.context.tally().total_duration += self.since.elapsed();
    }
}

impl Job {
    /// Runs the job, and records its outcome.
    pub async fn run(self, context: &WorkerContext) {
        let active = self.permit.activate();
        let job = StartedJob { number: self.number, due: self.due, at: Instant::now() };
        context.tally().started += 1;
        context.log_job(job.at, &format!("job {} started", job.number)).await;
        let outcome = outcome_of(context, job.perform(context), job.at).await;
        let took = job.at.elapsed().as_secs_f64();
        let number = job.number;
        let message = match &outcome {
            Ok(()) => format!("job {number} completed after {took:.3} s"),
            Err(failure) => {
                let (kind, detail) = (failure.kind.name(), &failure.detail);
                format!("job {number} failed after {took:.3} s: {kind} ({detail})")
            }
        };
        {
            let mut tally = context.tally();
            match &outcome {
                Ok(()) => tally.completed += 1,
                Err(failure) => tally.failures.add(job.number, failure),
            }
        }
        drop(active);
        context.log_job(Instant::now(), &message).await;
    }
}

impl StartedJob {
    async fn perform(self, context: &WorkerContext) -> Result<(), Failure> {
        match context.run.plan.mode {
            Mode::Echo => echo(context, self).await,
            Mode::Watch | Mode::Play => follow_game(context, self).await,
        }
    }
}

/// The outcome of `job`, which started at `since`; a panic is a failure.
async fn outcome_of(
    context: &WorkerContext,
    job: impl Future<Output = Result<(), Failure>>,
    since: Instant,
) -> Result<(), Failure> {
    let guard = DurationGuard { context, since };
    let outcome = AssertUnwindSafe(job).catch_unwind().await;
    drop(guard);
    outcome.unwrap_or_else(|_| {
        Err(Failure::new(FailureKind::Bug, "the job panicked; see the message above"))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{measure::SharedTally, run::tests::context};

    #[tokio::test]
    async fn a_panic_while_counting_is_a_failure_and_loses_no_counts() {
        let context = WorkerContext::new(Arc::new(context(Mode::Echo)), SharedTally::default());
        let panics = async {
            let mut tally = context.tally();
            tally.connected += 1;
            panic!("on purpose");
        };
        let outcome = outcome_of(&context, panics, Instant::now()).await;
        assert_eq!(outcome.unwrap_err().kind, FailureKind::Bug);
        context.tally().completed += 1;
        let tally = context.tally();
        assert_eq!((tally.connected, tally.completed), (1, 1));
    }
}

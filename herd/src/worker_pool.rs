use std::{io, sync::Arc, time::Duration};

use tokio::{task::spawn_blocking, time::sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    client::RunContext,
    dispatch::{DispatchStats, dispatch},
    measure::SharedTally,
    throttle::Throttle,
    worker_thread::{WorkerExits, WorkerThread},
};

/// The workers of a run, and the dispatcher of their jobs.
#[derive(Debug)]
pub struct WorkerPool {
    workers: Vec<WorkerThread>,
    throttle: Throttle,
    /// Cancel this to drop all jobs.
    pub abort: CancellationToken,
}

impl WorkerPool {
    /// Starts the workers that the plan asks for.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(context: &Arc<RunContext>, throttle: Throttle) -> io::Result<Self> {
        let abort = CancellationToken::new();
        let start = |_| WorkerThread::start(context.clone(), abort.clone());
        let workers = (0..context.plan.workers).map(start).collect::<io::Result<_>>()?;
        Ok(Self { workers, throttle, abort })
    }

    /// The tallies of the workers.
    pub fn tallies(&self) -> Vec<SharedTally> {
        self.workers.iter().map(|worker| worker.tally.clone()).collect()
    }

    /// Dispatches all jobs, and waits until they have ended.
    pub async fn work(self, context: Arc<RunContext>) -> (DispatchStats, WorkerExits) {
        let (jobs, threads): (Vec<_>, Vec<_>) =
            self.workers.into_iter().map(|worker| (worker.jobs, worker.thread)).unzip();
        let leaving = context.leaving.clone();
        let end = context.plan.duration.map(|duration| context.start + duration);
        let timer = tokio::spawn(async move {
            if let Some(end) = end {
                sleep_until(end).await;
                leaving.cancel();
            }
        });
        let dispatched = dispatch(context, self.throttle, jobs).await;
        let count = threads.len();
        let exits = spawn_blocking(move || WorkerExits::join(threads)).await;
        timer.abort();
        (dispatched, exits.unwrap_or(WorkerExits { busiest: Duration::ZERO, failed: count }))
    }
}

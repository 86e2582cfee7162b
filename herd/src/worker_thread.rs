use std::{
    io,
    panic::AssertUnwindSafe,
    rc::Rc,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use futures_util::FutureExt;
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    runtime::Builder,
    sync::mpsc,
    task::LocalSet,
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client::{Job, RunContext, WorkerContext},
    failure::{Failure, FailureKind},
    measure::SharedTally,
};

/// How many jobs may be queued for a worker.
const JOB_QUEUE: usize = 1024;

/// How often a worker measures how late its timers are.
const MONITOR_INTERVAL: Duration = Duration::from_millis(10);

/// A thread that runs jobs concurrently, in a runtime of its own.
#[derive(Debug)]
pub struct WorkerThread {
    /// The queue of its jobs. The thread ends when this is closed and all jobs have ended.
    pub jobs: mpsc::Sender<Job>,
    /// What its clients observe.
    pub tally: SharedTally,
    /// Returns the processor time that the thread used.
    pub thread: JoinHandle<Duration>,
}

impl WorkerThread {
    /// Starts a worker, which drops its jobs when `abort` is cancelled.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(run: Arc<RunContext>, abort: CancellationToken) -> io::Result<Self> {
        let (sender, jobs) = mpsc::channel(JOB_QUEUE);
        let tally = SharedTally::default();
        let context = WorkerContext::new(run.clone(), tally.clone());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            let _guard = LeaveOnPanic(run);
            let local = LocalSet::new();
            local.block_on(&runtime, work(context, jobs, abort));
            // Drops the jobs that are still running.
            drop(local);
            processor_time(ClockId::ThreadCPUTime)
        };
        let thread = thread::Builder::new().name("herd".into()).spawn(work)?;
        Ok(Self { jobs: sender, tally, thread })
    }
}

/// Makes all clients leave if this worker panics: the run is invalid, and need not continue.
struct LeaveOnPanic(Arc<RunContext>);

impl Drop for LeaveOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.leaving.cancel();
        }
    }
}

/// How the worker threads ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerExits {
    /// The processor time of the busiest.
    pub busiest: Duration,
    /// How many panicked: the counts of their clients are incomplete.
    pub failed: usize,
}

impl WorkerExits {
    /// Waits for all `threads`.
    pub fn join(threads: Vec<JoinHandle<Duration>>) -> Self {
        let mut exits = Self::default();
        for thread in threads {
            match thread.join() {
                Ok(time) => exits.busiest = exits.busiest.max(time),
                Err(_) => exits.failed += 1,
            }
        }
        exits
    }
}

/// The processor time that this thread, or this process, has used.
pub fn processor_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

async fn work(context: WorkerContext, mut jobs: mpsc::Receiver<Job>, abort: CancellationToken) {
    let context = Rc::new(context);
    let tracker = TaskTracker::new();
    let run_all = async {
        while let Some(job) = jobs.recv().await {
            let context = context.clone();
            tracker.spawn_local(async move {
                let number = job.number;
                // No job may fail silently.
                if AssertUnwindSafe(job.run(&context)).catch_unwind().await.is_err() {
                    let failure = Failure::new(FailureKind::Bug, "the job panicked");
                    context.tally.lock().failures.add(number, &failure);
                }
            });
        }
        tracker.close();
        tracker.wait().await;
    };
    tokio::select! {
        () = run_all => {}
        () = monitor_timers(&context.tally) => {}
        () = abort.cancelled() => {}
    }
}

/// Records how late timers are: for so long nothing else could run on this thread either. Never
/// returns.
async fn monitor_timers(tally: &SharedTally) {
    let mut due = Instant::now();
    loop {
        due += MONITOR_INTERVAL;
        sleep_until(due).await;
        let now = Instant::now();
        tally.lock().timer_lateness.record(now - due);
        // A long stall counts once.
        due = due.max(now - MONITOR_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mode::Mode, run::tests::context};

    #[test]
    fn a_panic_of_a_worker_is_counted_and_makes_the_others_leave() {
        let run = Arc::new(context(Mode::Watch));
        let second = Duration::from_secs(1);
        let guard = LeaveOnPanic(run.clone());
        let panics = thread::spawn(move || {
            let _guard = guard;
            panic!("on purpose");
        });
        let exits = WorkerExits::join(vec![thread::spawn(move || second), panics]);
        assert_eq!(exits, WorkerExits { busiest: second, failed: 1 });
        assert!(run.leaving.is_cancelled());
    }
}

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

use super::{
    failure::{Failure, FailureKind},
    measure::SharedTally,
    member::{Herd, Job, Pen},
};

/// How many jobs may wait for a worker to begin them.
const WAITING: usize = 1024;

/// How often a worker looks how late its timers are.
const SELF_CHECK: Duration = Duration::from_millis(10);

/// A thread that does jobs, all its members taking turns on it.
#[derive(Debug)]
pub struct Worker {
    /// Where it gets its jobs. It ends when this is closed and all are done.
    pub jobs: mpsc::Sender<Job>,
    /// What its members saw.
    pub tally: SharedTally,
    /// Ends with the processor time that it took.
    pub thread: JoinHandle<Duration>,
}

impl Worker {
    /// Starts a worker of `herd`, which drops what it does when `abort` is cancelled.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(herd: Arc<Herd>, abort: CancellationToken) -> io::Result<Self> {
        let (sender, jobs) = mpsc::channel(WAITING);
        let tally = SharedTally::default();
        let pen = Pen::new(herd.clone(), tally.clone());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            let _guard = LeaveOnPanic(herd);
            let local = LocalSet::new();
            local.block_on(&runtime, work(pen, jobs, abort));
            // Whatever is still under way is dropped with it.
            drop(local);
            processor_time(ClockId::ThreadCPUTime)
        };
        let thread = thread::Builder::new().name("herd".into()).spawn(work)?;
        Ok(Self { jobs: sender, tally, thread })
    }
}

/// Lets the others leave when this worker panics: the run is spoilt, and need not go on.
struct LeaveOnPanic(Arc<Herd>);

impl Drop for LeaveOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.leaving.cancel();
        }
    }
}

/// How the threads of all workers ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The processor time of the one that needed most.
    pub busiest: Duration,
    /// How many panicked: what their members saw is not complete.
    pub failed: usize,
}

impl Ended {
    /// Waits for all `threads`.
    pub fn join(threads: Vec<JoinHandle<Duration>>) -> Self {
        let mut ended = Self::default();
        for thread in threads {
            match thread.join() {
                Ok(time) => ended.busiest = ended.busiest.max(time),
                Err(_) => ended.failed += 1,
            }
        }
        ended
    }
}

/// The processor time that this thread, or this process, has taken.
pub fn processor_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

async fn work(pen: Pen, mut jobs: mpsc::Receiver<Job>, abort: CancellationToken) {
    let pen = Rc::new(pen);
    let tracker = TaskTracker::new();
    let do_all = async {
        while let Some(job) = jobs.recv().await {
            let pen = pen.clone();
            tracker.spawn_local(async move {
                let number = job.number;
                // Nothing that a job does is to be lost without a word.
                if AssertUnwindSafe(pen.run(job)).catch_unwind().await.is_err() {
                    let failure = Failure::new(FailureKind::Bug, "the job panicked");
                    pen.tally.lock().failures.add(number, &failure);
                }
            });
        }
        tracker.close();
        tracker.wait().await;
    };
    tokio::select! {
        () = do_all => {}
        () = check_itself(&pen.tally) => {}
        () = abort.cancelled() => {}
    }
}

/// Notes how late timers are: so long nothing else on this thread could happen either. Never
/// returns.
async fn check_itself(tally: &SharedTally) {
    let mut due = Instant::now();
    loop {
        due += SELF_CHECK;
        sleep_until(due).await;
        let now = Instant::now();
        tally.lock().lateness.record(now - due);
        // After a long pause it goes on from now: the pause counts once.
        due = due.max(now - SELF_CHECK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::Mode, run::tests::herd};

    #[test]
    fn a_worker_that_panics_is_counted_and_lets_the_others_leave() {
        let herd = Arc::new(herd(Mode::Watch));
        let second = Duration::from_secs(1);
        let guard = LeaveOnPanic(herd.clone());
        let dies = thread::spawn(move || {
            let _guard = guard;
            panic!("on purpose");
        });
        let ended = Ended::join(vec![thread::spawn(move || second), dies]);
        assert_eq!(ended, Ended { busiest: second, failed: 1 });
        assert!(herd.leaving.is_cancelled());
    }
}

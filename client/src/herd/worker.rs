use std::{
    io,
    rc::Rc,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::{
    runtime::Builder,
    sync::mpsc,
    task::LocalSet,
    time::{Instant, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    measure::Tally,
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
    pub tally: Arc<Mutex<Tally>>,
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
        let tally = Arc::<Mutex<Tally>>::default();
        let pen = Pen::new(herd, tally.clone());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let work = move || {
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
            tracker.spawn_local(async move { pen.run(job).await });
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
async fn check_itself(tally: &Mutex<Tally>) {
    let mut due = Instant::now();
    loop {
        due += SELF_CHECK;
        sleep_until(due).await;
        let now = Instant::now();
        tally.lock().expect("nobody panics while he holds it").lateness.record(now - due);
        // After a long pause it goes on from now: the pause counts once.
        due = due.max(now - SELF_CHECK);
    }
}

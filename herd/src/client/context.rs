use std::{
    cell::RefCell,
    sync::{Arc, MutexGuard},
};

use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    measure::{SharedTally, StreamComparison, Tally},
    plan::Plan,
};

/// The size of the buffer that clients read into, in bytes.
const READ_SIZE: usize = 64 << 10;

/// What all clients of a run share.
#[derive(Debug)]
pub struct RunContext {
    /// The plan.
    pub plan: Plan,
    /// When the run started: the origin of all times.
    pub start: Instant,
    /// Compares the streams of all clients.
    pub comparison: StreamComparison,
    /// Cancelled when clients are to leave, once they have received what others have.
    pub leaving: CancellationToken,
    /// Cancelled when the game is over, as two clients at least have seen.
    pub over: CancellationToken,
    /// Receives a line when a job starts or ends, if the log is enabled.
    pub job_log: Option<mpsc::Sender<String>>,
}

/// What the clients of one worker share.
#[derive(Debug)]
pub struct WorkerContext {
    /// The run.
    pub run: Arc<RunContext>,
    /// What the clients of this worker have observed.
    pub tally: SharedTally,
    /// The buffer that the clients take turns to read into: most of them are idle most of the time.
    pub(super) read_buffer: RefCell<Vec<u8>>,
}

impl WorkerContext {
    /// A context that keeps its tally in `tally`.
    pub fn new(run: Arc<RunContext>, tally: SharedTally) -> Self {
        Self { run, tally, read_buffer: RefCell::new(vec![0; READ_SIZE]) }
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock()
    }

    /// Microseconds from the start of the run to `at`.
    pub(super) fn micros(&self, at: Instant) -> u64 {
        u64::try_from((at - self.run.start).as_micros()).unwrap_or(u64::MAX)
    }

    /// Writes a line to the job log, if it is enabled.
    pub(super) async fn log_job(&self, at: Instant, message: &str) {
        if let Some(job_log) = &self.run.job_log {
            let seconds = (at - self.run.start).as_secs_f64();
            // The log is closed when the run is over.
            let _ = job_log.send(format!("{seconds:9.3} s  {message}")).await;
        }
    }
}

use std::{
    future::ready,
    io,
    sync::{Arc, Mutex, TryLockError},
    time::Duration,
};

use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::{Instant, sleep},
};
use tribune_protocol::WorkerId;

use super::{
    command::PROGRAM_VARIABLE,
    process::{KILL_TIMEOUT, environment_variable, own_id},
    process_table::{Children, ProcessTable},
};
use crate::{descriptors::is_out_of_descriptors, proc_stat::ProcStat};

/// How many requests may wait for the next scan before their senders have to wait.
pub(super) const MAX_REQUESTS: usize = 1024;

/// After a scan there is a pause of this many times its duration, so that scanning takes at most a
/// quarter of a processor, however many processes and requests there are.
const PAUSE_FACTOR: u32 = 3;

/// The pause before a scan is repeated.
const RETRY: Duration = Duration::from_millis(20);

/// Scans all processes on request, and reaps orphans.
pub(super) struct Scanner {
    children: watch::Receiver<Children>,
    fork_lock: Arc<Mutex<()>>,
}

impl Scanner {
    /// A scanner for these children. `fork_lock` is held while one is forked.
    pub(super) fn new(children: watch::Receiver<Children>, fork_lock: Arc<Mutex<()>>) -> Self {
        Self { children, fork_lock }
    }

    /// Scans whenever there are requests or a child has exited. All requests that wait when a scan
    /// begins get its result.
    pub(super) async fn run(
        self,
        mut requests: mpsc::Receiver<oneshot::Sender<Arc<ProcessTable>>>,
        mut child_exited: tokio::signal::unix::Signal,
    ) {
        let mut waiting = Vec::new();
        let mut repeat = false;
        loop {
            tokio::select! {
                () = ready(()), if repeat => {}
                count = requests.recv_many(&mut waiting, MAX_REQUESTS) => if count == 0 { return },
                // It may be an orphan that has to be reaped.
                _ = child_exited.recv() => {}
            }
            let (scan, duration) = self.scan().await;
            repeat = scan.must_repeat;
            let table = Arc::new(scan.table);
            for request in waiting.drain(..) {
                // The requester may have stopped waiting.
                let _ = request.send(table.clone());
            }
            let pause = duration * PAUSE_FACTOR;
            sleep(if repeat { pause.max(RETRY) } else { pause }).await;
        }
    }

    /// Scans, and measures how long that takes without waiting for a descriptor.
    async fn scan(&self) -> (Scan, Duration) {
        let deadline = Instant::now() + KILL_TIMEOUT;
        loop {
            let start = Instant::now();
            let children = self.children.clone();
            let fork_lock = self.fork_lock.clone();
            let scan = match spawn_blocking(move || scan(&children, &fork_lock)).await {
                Ok(Ok(scan)) => scan,
                // The shortage will end, and an empty table would mean that no process runs.
                Ok(Err(error)) if is_out_of_descriptors(&error) && start < deadline => {
                    sleep(RETRY).await;
                    continue;
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "cannot list the processes of the system");
                    Scan::default()
                }
                // The runtime is shutting down.
                Err(_) => Scan::default(),
            };
            return (scan, start.elapsed());
        }
    }
}

#[derive(Default)]
struct Scan {
    table: ProcessTable,
    /// Whether orphans may not have been reaped, because a child was being forked.
    must_repeat: bool,
}

fn scan(children: &watch::Receiver<Children>, fork_lock: &Mutex<()>) -> io::Result<Scan> {
    let processes = ProcStat::all()?;
    // A fork can take long, as when the file is on a disk that does not respond. The exits of other
    // programs must not wait for it.
    let lock = match fork_lock.try_lock() {
        Ok(lock) => Some(lock),
        Err(TryLockError::Poisoned(lock)) => Some(lock.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    };
    let children = children.borrow().clone();
    let marked_program = |process: &ProcStat| {
        environment_variable(process, PROGRAM_VARIABLE)?.parse().ok().map(WorkerId)
    };
    tracing::debug!(processes = processes.len(), "scanned");
    let table = ProcessTable::new(&processes, own_id(), &children, marked_program);
    if lock.is_some() {
        // All children that were forked before the lock was taken are known. The others are orphans.
        let is_known = |id| children.programs.contains_key(id) || children.internal.contains(id);
        for &id in table.exited_children.iter().filter(|id| !is_known(id)) {
            // It may have been reaped already.
            let _ = waitpid(Pid::from_raw(id), WaitOptions::NOHANG);
        }
    }
    Ok(Scan { table, must_repeat: lock.is_none() })
}

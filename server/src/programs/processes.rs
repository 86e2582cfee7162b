use std::{
    future::ready,
    io,
    sync::{Arc, Mutex, PoisonError, TryLockError},
    time::Duration,
};

use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, getpid, set_child_subreaper, set_dumpable_behavior,
    waitpid,
};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot, watch},
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};
use tribune_protocol::WorkerId;

use super::{
    command::WORKER,
    ownership::{Children, ProcessTable},
    process::{Process, is_out_of_descriptors},
};
use crate::tasks::Tasks;

/// How many may wait for the next scan. One more waits for a place.
const REQUESTS: usize = 1024;

/// After a scan there is a pause of so many times as long as it took: however many processes there
/// are, and however many wait to see them, scanning takes a quarter of a processor at most.
const REST: u32 = 3;

/// The pause before a scan that found no descriptor is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// How long processes that were killed may take to vanish. One that waits for a device within the
/// kernel takes longer, and nothing here can hurry it.
pub(super) const VANISH: Duration = Duration::from_secs(5);

/// The processes that the server has to answer for: its programs and all that descends from them.
///
/// It adopts what its programs leave behind, so that it can be found and is reaped. Cloning gives
/// another handle to the same.
#[derive(Clone, Debug)]
pub struct Processes {
    requests: mpsc::Sender<oneshot::Sender<Arc<ProcessTable>>>,
    children: watch::Sender<Children>,
    /// Is held while a child comes to be and is entered into `children`, and while children that are
    /// not in there are reaped: so nothing is reaped here that is waited for elsewhere.
    forking: Arc<Mutex<()>>,
}

impl Processes {
    /// Starts to look after the processes of this process, in which nothing else may wait for
    /// children that it has not started through here.
    ///
    /// # Errors
    /// If the system lets it not know when children end.
    pub fn start(tasks: &Tasks) -> io::Result<Self> {
        // Programs run as the same user. This keeps them from reading what is typed to the server,
        // by way of /proc/PID/fd, and from tracing it.
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::debug!(%error, "programs can look into the server");
        }
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::debug!(%error, "cannot adopt the orphans of programs");
        }
        let before = Process::all().unwrap_or_default();
        let before = before.into_iter().filter(|process| process.parent == own_id()).collect();
        let child_ended = signal(SignalKind::child())?;
        let (requests, to_scan) = mpsc::channel(REQUESTS);
        let children = watch::Sender::new(Children { before, ..Children::default() });
        let processes = Self { requests, children, forking: Arc::default() };
        let scanner = Scanner {
            children: processes.children.subscribe(),
            forking: processes.forking.clone(),
        };
        tasks.spawn_critical("scan processes", scanner.run(to_scan, child_ended));
        Ok(processes)
    }

    /// What the processes are at a moment after this was called.
    ///
    /// All that ask at the same time share one scan.
    pub(super) async fn table(&self) -> Arc<ProcessTable> {
        let (sender, table) = oneshot::channel();
        // If the scanner has ended, the runtime ends, and this with it.
        let _ = self.requests.send(sender).await;
        table.await.unwrap_or_default()
    }

    /// Starts `program` by `spawn`.
    ///
    /// # Errors
    /// Those of `spawn`.
    pub(super) fn fork(
        &self,
        program: WorkerId,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<Child> {
        self.fork_as(spawn, |children, id| _ = children.programs.insert(id, program))
    }

    /// Starts a child that the server has for itself by `spawn`. It must be given back by
    /// [`Self::forget_own`].
    ///
    /// # Errors
    /// Those of `spawn`.
    pub(super) fn fork_own(&self, spawn: impl FnOnce() -> io::Result<Child>) -> io::Result<Child> {
        self.fork_as(spawn, |children, id| _ = children.own.insert(id))
    }

    fn fork_as(
        &self,
        spawn: impl FnOnce() -> io::Result<Child>,
        enter: impl FnOnce(&mut Children, i32),
    ) -> io::Result<Child> {
        let _forking = self.forking.lock().unwrap_or_else(PoisonError::into_inner);
        let child = spawn()?;
        if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
            self.children.send_modify(|children| enter(children, id));
        }
        Ok(child)
    }

    /// Notes that the child `id`, which the server had for itself, has been reaped.
    pub(super) fn forget_own(&self, id: i32) {
        self.children.send_modify(|children| _ = children.own.remove(&id));
    }

    /// Notes that nothing is left of the program that led `session`.
    pub(super) fn forget(&self, session: i32) {
        self.children.send_modify(|children| _ = children.programs.remove(&session));
    }

    /// The children there are, and whenever that changes.
    pub(super) fn subscribe(&self) -> watch::Receiver<Children> {
        self.children.subscribe()
    }

    /// Kills all programs and what descends from them, and waits until nothing of that runs.
    pub async fn kill_all(&self) {
        let kill = async {
            loop {
                let table = self.table().await;
                if table.all().next().is_none() {
                    return;
                }
                for process in table.all() {
                    process.signal(Signal::KILL);
                }
            }
        };
        if timeout(VANISH, kill).await.is_err() {
            tracing::error!("processes that player programs have left behind cannot be killed");
        }
    }
}

/// Reads about all processes for all that ask, and reaps orphans.
struct Scanner {
    children: watch::Receiver<Children>,
    forking: Arc<Mutex<()>>,
}

impl Scanner {
    async fn run(
        self,
        mut requests: mpsc::Receiver<oneshot::Sender<Arc<ProcessTable>>>,
        mut child_ended: tokio::signal::unix::Signal,
    ) {
        let mut waiting = Vec::new();
        let mut repeat = false;
        loop {
            tokio::select! {
                () = ready(()), if repeat => {}
                count = requests.recv_many(&mut waiting, REQUESTS) => if count == 0 { return },
                // It may be an orphan that is to be reaped.
                _ = child_ended.recv() => {}
            }
            // What asks from here on sees the next scan.
            let (scan, took) = self.scan().await;
            repeat = scan.is_to_repeat;
            let table = Arc::new(scan.table);
            for asked in waiting.drain(..) {
                // It may have stopped waiting.
                let _ = asked.send(table.clone());
            }
            sleep(if repeat { (took * REST).max(RETRY) } else { took * REST }).await;
        }
    }

    /// Scans, and says how long that took, apart from waiting for a descriptor.
    async fn scan(&self) -> (Scan, Duration) {
        let deadline = Instant::now() + VANISH;
        loop {
            let start = Instant::now();
            let children = self.children.clone();
            let forking = self.forking.clone();
            let scan = match spawn_blocking(move || scan(&children, &forking)).await {
                Ok(Ok(scan)) => scan,
                // A shortage ends, and to say that nothing runs would be wrong.
                Ok(Err(error)) if is_out_of_descriptors(&error) && start < deadline => {
                    sleep(RETRY).await;
                    continue;
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "cannot read which processes there are");
                    Scan::default()
                }
                // The runtime ends.
                Err(_) => Scan::default(),
            };
            return (scan, start.elapsed());
        }
    }
}

/// What was found, and whether orphans may have been left unreaped, as a child was being forked.
#[derive(Default)]
struct Scan {
    table: ProcessTable,
    is_to_repeat: bool,
}

fn scan(children: &watch::Receiver<Children>, forking: &Mutex<()>) -> io::Result<Scan> {
    let processes = Process::all()?;
    // A child that comes to be may take its time, as when its file is on a disk that does not
    // answer, and the ends of others must not wait for it.
    let forking = match forking.try_lock() {
        Ok(lock) => Some(lock),
        Err(TryLockError::Poisoned(lock)) => Some(lock.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    };
    let children = children.borrow().clone();
    let mark = |process: &Process| process.variable(WORKER)?.parse().ok().map(WorkerId);
    tracing::debug!(processes = processes.len(), "scanned");
    let table = ProcessTable::new(&processes, own_id(), &children, mark);
    if forking.is_some() {
        // What had been forked when the lock was taken is known: the others are orphans.
        let is_known = |id| children.programs.contains_key(id) || children.own.contains(id);
        for &id in table.ended.iter().filter(|id| !is_known(id)) {
            // It may have been reaped already.
            let _ = waitpid(Pid::from_raw(id), WaitOptions::NOHANG);
        }
    }
    Ok(Scan { table, is_to_repeat: forking.is_none() })
}

fn own_id() -> i32 {
    getpid().as_raw_nonzero().get()
}

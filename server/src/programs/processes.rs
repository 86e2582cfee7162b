use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{
    DumpableBehavior, Signal, getpid, set_child_subreaper, set_dumpable_behavior,
};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tribune_protocol::WorkerId;

use super::{
    process::{KILL_TIMEOUT, own_id, send_signal},
    process_table::{Children, ProcessTable},
    scanner::{MAX_REQUESTS, Scanner},
};
use crate::{proc_stat::ProcStat, tasks::Tasks};

/// The processes that the server is responsible for: its programs and all their descendants.
///
/// The server adopts orphans of its programs, so that they can be found and are reaped. Cloning
/// gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Processes {
    requests: mpsc::Sender<oneshot::Sender<Arc<ProcessTable>>>,
    children: watch::Sender<Children>,
    /// Held while a child is forked and added to `children`, and while orphans are reaped, so that
    /// no child is reaped here that is waited for elsewhere.
    fork_lock: Arc<Mutex<()>>,
}

impl Processes {
    /// Takes responsibility for the children of this process. Nothing else in it may wait for
    /// children that were not forked with [`Self::fork`] or [`Self::fork_internal`].
    ///
    /// # Errors
    /// If the system does not report when children exit.
    pub(super) fn start(tasks: &Tasks) -> io::Result<Self> {
        // Programs run as the same user. This keeps them from reading what is typed to the server
        // through /proc/PID/fd, and from tracing it.
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::debug!(%error, "programs can inspect the server");
        }
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::debug!(%error, "cannot adopt the orphans of programs");
        }
        let processes = ProcStat::all().unwrap_or_default();
        let inherited = processes.into_iter().filter(|process| process.parent == own_id());
        let children = Children { inherited: inherited.collect(), ..Children::default() };
        let child_exited = signal(SignalKind::child())?;
        let (requests, scan_requests) = mpsc::channel(MAX_REQUESTS);
        let children = watch::Sender::new(children);
        let this = Self { requests, children, fork_lock: Arc::default() };
        let scanner = Scanner::new(this.children.subscribe(), this.fork_lock.clone());
        tasks.spawn_critical("process scanner", scanner.run(scan_requests, child_exited));
        Ok(this)
    }

    /// The table of processes at a moment after this call.
    ///
    /// All callers that wait at the same time share one scan.
    pub(super) async fn table(&self) -> Arc<ProcessTable> {
        let (sender, table) = oneshot::channel();
        // The scanner ends only with the runtime, and so does the caller.
        let _ = self.requests.send(sender).await;
        table.await.unwrap_or_default()
    }

    /// Forks `program` with `spawn`.
    ///
    /// # Errors
    /// Those of `spawn`.
    pub(super) fn fork(
        &self,
        program: WorkerId,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<Child> {
        self.fork_and_add(spawn, |children, id| _ = children.programs.insert(id, program))
    }

    /// Forks a process that belongs to the server itself with `spawn`. After it has been reaped,
    /// [`Self::remove_internal`] must be called.
    ///
    /// # Errors
    /// Those of `spawn`.
    pub(super) fn fork_internal(
        &self,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<Child> {
        self.fork_and_add(spawn, |children, id| _ = children.internal.insert(id))
    }

    fn fork_and_add(
        &self,
        spawn: impl FnOnce() -> io::Result<Child>,
        add: impl FnOnce(&mut Children, i32),
    ) -> io::Result<Child> {
        let _lock = self.fork_lock.lock().unwrap_or_else(PoisonError::into_inner);
        let child = spawn()?;
        if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
            self.children.send_modify(|children| add(children, id));
        }
        Ok(child)
    }

    /// Records that the process `id` of the server itself has been reaped.
    pub(super) fn remove_internal(&self, id: i32) {
        self.children.send_modify(|children| _ = children.internal.remove(&id));
    }

    /// Records that no process is left of the program that led `session`.
    pub(super) fn remove_program(&self, session: i32) {
        self.children.send_modify(|children| _ = children.programs.remove(&session));
    }

    /// The children, and their changes.
    pub(super) fn subscribe(&self) -> watch::Receiver<Children> {
        self.children.subscribe()
    }

    /// Kills all programs and their descendants, and waits until none of them is left.
    pub(super) async fn kill_all(&self) {
        let kill = async {
            loop {
                let table = self.table().await;
                if table.all().next().is_none() {
                    return;
                }
                for process in table.all() {
                    send_signal(process, Signal::KILL);
                }
            }
        };
        if timeout(KILL_TIMEOUT, kill).await.is_err() {
            tracing::error!("processes forked by programs cannot be killed");
        }
    }
}

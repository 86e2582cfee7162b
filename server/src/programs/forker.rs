use std::{io, path::PathBuf, thread};

use rustix::process::Rlimit;
use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use tribune_protocol::{GameId, WorkerId};

use super::{
    before_exec::{close_inherited_on_exec, prepare_program},
    cgroup::{ServerCgroup, remove_all},
    guard_supervisor::{GuardMode, GuardSupervisor},
    process_tree::ProcessTree,
    processes::Processes,
};
use crate::tasks::Tasks;

/// How many commands may wait to be forked before their senders have to wait.
const MAX_JOBS: usize = 16;

/// The thread that forks all programs.
///
/// It lives as long as there is a handle to it, and when it ends, the system kills all programs that
/// it has forked. Cloning gives another handle.
#[derive(Clone, Debug)]
pub struct Forker {
    jobs: mpsc::Sender<Job>,
    processes: Processes,
    cgroup: Option<PathBuf>,
}

/// A program that was forked.
#[derive(Debug)]
pub(super) struct Forked {
    pub(super) child: Child,
    pub(super) process_tree: ProcessTree,
}

#[derive(Debug)]
struct Job {
    program: WorkerId,
    command: Command,
    reply: oneshot::Sender<io::Result<Forked>>,
}

impl Forker {
    /// Starts the thread within a runtime, and the guard of `game` beside it. Programs get
    /// `open_files` as their limit of open files.
    ///
    /// # Errors
    /// If the thread cannot be started, or the system does not report when children exit.
    pub async fn start(
        game: &GameId,
        open_files: Rlimit,
        guard: GuardMode,
        tasks: &Tasks,
    ) -> io::Result<Self> {
        if let Err(error) = close_inherited_on_exec() {
            tracing::debug!(%error, "programs may inherit descriptors");
        }
        let processes = Processes::start(tasks)?;
        let path = ServerCgroup::planned(game).ok();
        if guard == GuardMode::OwnExecutable {
            let supervisor = GuardSupervisor::new(processes.clone(), game.clone(), path.clone());
            // Before there is anything to guard.
            let guard = supervisor.start().await;
            tasks.spawn_critical("guard supervisor", supervisor.run(guard));
        }
        let cgroup = path.as_deref().and_then(|path| {
            let failed = |error: &_| tracing::debug!(%error, "programs have no control groups");
            ServerCgroup::create(path).inspect_err(failed).ok()
        });
        let (sender, jobs) = mpsc::channel(MAX_JOBS);
        let runtime = Handle::current();
        let thread = ForkThread { runtime, open_files, processes: processes.clone(), cgroup };
        thread::Builder::new().name("forker".into()).spawn(move || thread.run(jobs))?;
        Ok(Self { jobs: sender, processes, cgroup: path })
    }

    /// Forks `command` as the program with this number.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) async fn fork(&self, program: WorkerId, command: Command) -> io::Result<Forked> {
        let (reply, forked) = oneshot::channel();
        let ended = || io::Error::other("the thread that forks programs has ended");
        self.jobs.send(Job { program, command, reply }).await.map_err(|_| ended())?;
        forked.await.map_err(|_| ended())?
    }

    /// Kills all programs and all that they have forked.
    pub async fn kill_all(&self) {
        self.processes.kill_all().await;
        if let Some(path) = &self.cgroup {
            remove_all(path);
        }
    }
}

struct ForkThread {
    runtime: Handle,
    open_files: Rlimit,
    processes: Processes,
    cgroup: Option<ServerCgroup>,
}

impl ForkThread {
    fn run(&self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(Job { program, command, reply }) = jobs.blocking_recv() {
            // It fails only if the server has ended meanwhile, and that kills the program.
            let _ = reply.send(self.fork(program, command));
        }
    }

    fn fork(&self, program: WorkerId, mut command: Command) -> io::Result<Forked> {
        let cgroup = self.cgroup.as_ref().and_then(|cgroup| cgroup.program(program).ok());
        let procs_file = cgroup.as_ref().and_then(|cgroup| cgroup.procs_file().ok());
        prepare_program(&mut command, self.open_files, procs_file);
        let spawned = {
            let _runtime = self.runtime.enter();
            self.processes.fork(program, || command.spawn())
        };
        let child = match spawned {
            Ok(child) => child,
            Err(error) => {
                if let Some(cgroup) = cgroup {
                    cgroup.remove();
                }
                return Err(error);
            }
        };
        let id = child.id().unwrap_or_default();
        let cgroup = cgroup.and_then(|cgroup| {
            if cgroup.contains(id) {
                return Some(cgroup);
            }
            tracing::debug!(worker = %program, "it could not join its control group");
            cgroup.remove();
            None
        });
        let process_tree = ProcessTree::led_by(id, self.processes.clone(), cgroup)?;
        Ok(Forked { child, process_tree })
    }
}

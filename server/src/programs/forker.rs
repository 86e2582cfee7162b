use std::{io, path::PathBuf, thread};

use rustix::process::Rlimit;
use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::{mpsc, oneshot},
};
use tribune_protocol::{GameId, WorkerId};

use super::{
    before_exec::{close_inherited_on_exec, prepare_child},
    cgroup::ServerCgroup,
    guard_keeper::GuardKeeper,
    process_session::ProcessSession,
    processes::Processes,
};
use crate::tasks::Tasks;

/// How many jobs may wait for the thread. Whoever brings one more waits.
const JOBS: usize = 16;

/// The thread that forks all player programs.
///
/// It lives as long as there is one of these: when it ends, so do the programs it has forked.
#[derive(Clone, Debug)]
pub struct Forker {
    jobs: mpsc::Sender<Job>,
    processes: Processes,
    cgroup: Option<PathBuf>,
}

/// A program that was forked.
pub(super) type Forked = (Child, ProcessSession);

#[derive(Debug)]
struct Job {
    program: WorkerId,
    command: Command,
    answer: oneshot::Sender<io::Result<Forked>>,
}

impl Forker {
    /// Starts the thread, for children of the runtime that this is called in, which may have as
    /// many files open as `files` says. The server of `game` looks after them with `tasks`.
    ///
    /// # Errors
    /// If the system has no thread to give, or nothing to learn of ended children by.
    pub async fn start(game: &GameId, files: Rlimit, tasks: &Tasks) -> io::Result<Self> {
        if let Err(error) = close_inherited_on_exec() {
            tracing::debug!(%error, "programs may inherit descriptors");
        }
        let processes = Processes::start(tasks)?;
        let path = ServerCgroup::planned(game).ok();
        let keeper =
            GuardKeeper { processes: processes.clone(), game: game.clone(), cgroup: path.clone() };
        // It is there before there is anything to guard.
        let guard = keeper.start().await;
        tasks.spawn_critical("keep the guard", keeper.run(guard));
        let cgroup = path.as_deref().and_then(|path| {
            let failed = |error: &_| tracing::debug!(%error, "programs have no control groups");
            ServerCgroup::create(path).inspect_err(failed).ok()
        });
        let (sender, jobs) = mpsc::channel(JOBS);
        let thread =
            Thread { runtime: Handle::current(), files, processes: processes.clone(), cgroup };
        thread::Builder::new().name("forker".into()).spawn(move || thread.work(jobs))?;
        Ok(Self { jobs: sender, processes, cgroup: path })
    }

    /// Forks `command`, which is that of `program`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) async fn fork(&self, program: WorkerId, command: Command) -> io::Result<Forked> {
        let (answer, forked) = oneshot::channel();
        let ended = || io::Error::other("the thread that forks has ended");
        self.jobs.send(Job { program, command, answer }).await.map_err(|_| ended())?;
        forked.await.map_err(|_| ended())?
    }

    /// Kills all that is left of any program.
    pub async fn kill_all(&self) {
        self.processes.kill_all().await;
        if let Some(path) = &self.cgroup {
            super::cgroup::remove_all(path);
        }
    }
}

struct Thread {
    runtime: Handle,
    files: Rlimit,
    processes: Processes,
    cgroup: Option<ServerCgroup>,
}

impl Thread {
    fn work(&self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(Job { program, command, answer }) = jobs.blocking_recv() {
            // Nobody is left to take the child only when the server ends, and it with it.
            let _ = answer.send(self.fork(program, command));
        }
    }

    fn fork(&self, program: WorkerId, mut command: Command) -> io::Result<Forked> {
        let cgroup = self.cgroup.as_ref().and_then(|cgroup| cgroup.program(program).ok());
        let entrance = cgroup.as_ref().and_then(|cgroup| cgroup.entrance().ok());
        prepare_child(&mut command, self.files, entrance);
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
            if cgroup.has(id) {
                return Some(cgroup);
            }
            tracing::debug!(%program, "it could not be put into its control group");
            cgroup.remove();
            None
        });
        let session = ProcessSession::led_by(id, self.processes.clone(), cgroup)?;
        Ok((child, session))
    }
}

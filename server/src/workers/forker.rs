use std::{io, thread};

use rustix::process::Rlimit;
use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{before_exec::prepare_child, guard::Guard, process_session::ProcessSession};

/// How many jobs may wait for the thread. Whoever brings one more waits.
const JOBS: usize = 16;

/// The thread that forks all player programs and keeps the guard.
///
/// It lives as long as there is one of these: when it ends, so do the programs it has forked.
#[derive(Clone, Debug)]
pub struct Forker(mpsc::Sender<Job>);

#[derive(Debug)]
enum Job {
    Fork(Box<Command>, oneshot::Sender<io::Result<Child>>),
    Forget(ProcessSession),
}

impl Forker {
    /// Starts the thread, for children of the runtime that this is called in, which may have as
    /// many files open as `files` says.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(files: Rlimit) -> io::Result<Self> {
        let runtime = Handle::current();
        let (sender, jobs) = mpsc::channel(JOBS);
        thread::Builder::new().name("forker".into()).spawn(move || work(jobs, &runtime, files))?;
        Ok(Self(sender))
    }

    /// Forks `command`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) async fn fork(&self, command: Command) -> io::Result<Child> {
        let (sender, answer) = oneshot::channel();
        let ended = || io::Error::other("the thread that forks has ended");
        self.0.send(Job::Fork(Box::new(command), sender)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// Notes that `session` is empty.
    pub(super) async fn forget(&self, session: ProcessSession) {
        // A thread that has ended has no guard to tell.
        let _ = self.0.send(Job::Forget(session)).await;
    }
}

fn work(mut jobs: mpsc::Receiver<Job>, runtime: &Handle, files: Rlimit) {
    let mut guard = Guard::start()
        .inspect_err(|error| {
            tracing::warn!(%error, "there is no guard: if the server is killed, what programs have forked will go on");
        })
        .ok();
    while let Some(job) = jobs.blocking_recv() {
        match job {
            Job::Fork(mut command, answer) => {
                prepare_child(&mut command, files);
                let child = {
                    let _runtime = runtime.enter();
                    command.spawn()
                };
                let session =
                    child.as_ref().ok().and_then(Child::id).and_then(ProcessSession::led_by);
                if let (Some(guard), Some(session)) = (&mut guard, session) {
                    guard.watch(session);
                }
                // Nobody is left to take the child only when the server ends, and it with it.
                let _ = answer.send(child);
            }
            Job::Forget(session) => {
                if let Some(guard) = &mut guard {
                    guard.forget(session);
                }
            }
        }
    }
}

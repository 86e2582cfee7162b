use std::{collections::HashSet, io, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep, timeout},
};
use tribune_protocol::GameId;

use super::{
    before_exec::lead_session,
    guard::{
        GUARD_ARGUMENT, GUARD_NAME, add_session_line, cgroup_line, game_line, remove_session_line,
    },
    processes::Processes,
};

/// A guard that does not read its input for this long, as when it was stopped, is replaced.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A guard that has run for this long is replaced immediately when it exits.
const STABLE_AFTER: Duration = Duration::from_secs(1);

/// The delay before another guard is started if one exits sooner. It doubles each time up to the
/// maximum.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(10);

/// What is run as the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardMode {
    /// The executable of this process, with the argument `guard`.
    OwnExecutable,
    /// Nothing, in a test, whose executable is not a guard.
    #[cfg(test)]
    Disabled,
}

/// Keeps a guard running, and sends it the list of what to kill.
#[derive(Debug)]
pub(super) struct GuardSupervisor {
    processes: Processes,
    /// The id of the game, which is in the environment of all programs.
    game: GameId,
    /// The control group of all programs, if there is one.
    cgroup: Option<PathBuf>,
}

/// A running guard, and the sessions that it was sent.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    input: ChildStdin,
    id: Option<i32>,
    sessions: HashSet<i32>,
}

impl GuardSupervisor {
    pub(super) fn new(processes: Processes, game: GameId, cgroup: Option<PathBuf>) -> Self {
        Self { processes, game, cgroup }
    }

    /// Supervises `guard`, and replaces it whenever it fails. Never returns.
    pub(super) async fn run(self, guard: io::Result<Guard>) {
        let mut delay = FIRST_DELAY;
        let mut started = guard;
        loop {
            let start = Instant::now();
            let error = match started {
                Ok(mut guard) => {
                    let error = self.supervise(&mut guard).await;
                    self.kill(guard).await;
                    error
                }
                Err(error) => error,
            };
            tracing::warn!(
                %error,
                "the guard has failed and is restarted; if the server is killed meanwhile, processes forked by programs \
                 keep running"
            );
            if start.elapsed() < STABLE_AFTER {
                sleep(delay).await;
                delay = (delay * 2).min(MAX_DELAY);
            } else {
                delay = FIRST_DELAY;
            }
            started = self.start().await;
        }
    }

    /// Starts a guard, and sends it the game and its control group.
    ///
    /// # Errors
    /// If it cannot be started, or does not read its input.
    pub(super) async fn start(&self) -> io::Result<Guard> {
        // Through this link it never has the name of the server, and it is not another program if
        // the file of the server has been replaced.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(GUARD_NAME)
            .arg(GUARD_ARGUMENT)
            .stdin(Stdio::piped())
            // It must not hold open a pipe whose reader waits for its end.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .env_clear();
        lead_session(&mut command);
        let mut process = self.processes.fork_internal(|| command.spawn())?;
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        let no_input = || io::Error::other("the guard has no standard input");
        let input = process.stdin.take().ok_or_else(no_input)?;
        let mut guard = Guard { process, input, id, sessions: HashSet::new() };
        let mut lines = game_line(&self.game.0);
        lines.extend(self.cgroup.as_deref().map(cgroup_line));
        match guard.write(&lines).await {
            Ok(()) => Ok(guard),
            Err(error) => {
                self.kill(guard).await;
                Err(error)
            }
        }
    }

    /// Kills `guard`, which may be stopped rather than dead. It must not read the end of its input
    /// before, which would make it kill all programs.
    async fn kill(&self, mut guard: Guard) {
        // It fails only if the guard has exited.
        let _ = guard.process.kill().await;
        if let Some(id) = guard.id {
            self.processes.remove_internal(id);
        }
    }

    /// Sends `guard` all sessions and their changes, until it fails.
    async fn supervise(&self, guard: &mut Guard) -> io::Error {
        let mut children = self.processes.subscribe();
        loop {
            let mut lines = String::new();
            let now: HashSet<i32> = children.borrow_and_update().programs.keys().copied().collect();
            lines.extend(
                guard.sessions.difference(&now).map(|&session| remove_session_line(session)),
            );
            lines.extend(now.difference(&guard.sessions).map(|&session| add_session_line(session)));
            guard.sessions = now;
            if let Err(error) = guard.write(&lines).await {
                return error;
            }
            tracing::debug!(sessions = guard.sessions.len(), "guard updated");
            tokio::select! {
                status = guard.process.wait() => {
                    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    return io::Error::other(format!("the guard has exited: {status}"));
                }
                changed = children.changed() => if changed.is_err() { std::future::pending().await },
            }
        }
    }
}

impl Guard {
    async fn write(&mut self, lines: &str) -> io::Result<()> {
        let timed_out = |_| io::Error::other("the guard does not read its input");
        timeout(WRITE_TIMEOUT, self.input.write_all(lines.as_bytes())).await.map_err(timed_out)?
    }
}

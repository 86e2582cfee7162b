use std::{collections::HashSet, io, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
    time::{Instant, sleep, timeout},
};
use tribune_protocol::GameId;

use super::{
    before_exec::prepare_guard,
    guard::{GUARD, NAME, begun_line, cgroup_line, game_line, over_line},
    processes::Processes,
};

/// A guard that takes nothing for so long, as when it was stopped, is replaced.
const STALLED: Duration = Duration::from_secs(5);

/// A guard that has lived so long is replaced at once when it dies.
const SOUND_AFTER: Duration = Duration::from_secs(1);

/// The pause before another is started if one dies sooner; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Sees to it that there is a guard, and that it knows what there is to kill.
#[derive(Debug)]
pub(super) struct GuardKeeper {
    pub(super) processes: Processes,
    /// The game, whose id stands in the environment of all programs.
    pub(super) game: GameId,
    /// The control group that all programs are in, if there is one.
    pub(super) cgroup: Option<PathBuf>,
}

/// A guard, and what it was told.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    input: ChildStdin,
    id: Option<i32>,
    sessions: HashSet<i32>,
}

impl GuardKeeper {
    /// Keeps `guard`, for as long as this runs. Each one that dies is replaced.
    pub(super) async fn run(self, guard: io::Result<Guard>) {
        let mut pause = FIRST_PAUSE;
        let mut started = guard;
        loop {
            let start = Instant::now();
            let error = match started {
                Ok(mut guard) => {
                    let error = self.keep(&mut guard).await;
                    self.dismiss(guard).await;
                    error
                }
                Err(error) => error,
            };
            tracing::warn!(%error, "there is no guard now, starting another: without it, if the server is killed, what programs have forked goes on");
            if start.elapsed() < SOUND_AFTER {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                pause = FIRST_PAUSE;
            }
            started = self.start().await;
        }
    }

    /// Starts a guard that knows the game.
    ///
    /// # Errors
    /// If it cannot be started, or takes nothing.
    pub(super) async fn start(&self) -> io::Result<Guard> {
        // By way of this link it does not have the server's name for a moment, nor is it another
        // program if the server has been built anew since.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0(NAME)
            .arg(GUARD)
            .stdin(Stdio::piped())
            // It must hold open nothing that is waited for to close.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .env_clear();
        prepare_guard(&mut command);
        let mut process = self.processes.fork_own(|| command.spawn())?;
        let id = process.id().and_then(|id| i32::try_from(id).ok());
        let no_input = || io::Error::other("the guard has no standard input");
        let input = process.stdin.take().ok_or_else(no_input)?;
        let mut guard = Guard { process, input, id, sessions: HashSet::new() };
        let mut lines = game_line(&self.game.0);
        lines.extend(self.cgroup.as_deref().map(cgroup_line));
        match guard.tell(&lines).await {
            Ok(()) => Ok(guard),
            Err(error) => {
                self.dismiss(guard).await;
                Err(error)
            }
        }
    }

    /// Ends `guard`, which may only be stopped. It must not see the end of its input before.
    async fn dismiss(&self, mut guard: Guard) {
        // It fails only if it has ended.
        let _ = guard.process.kill().await;
        if let Some(id) = guard.id {
            self.processes.forget_own(id);
        }
    }

    /// Tells `guard` of all sessions, and of each change, until that fails.
    async fn keep(&self, guard: &mut Guard) -> io::Error {
        let mut children = self.processes.subscribe();
        loop {
            let mut lines = String::new();
            let now: HashSet<i32> = children.borrow_and_update().programs.keys().copied().collect();
            lines.extend(guard.sessions.difference(&now).map(|&number| over_line(number)));
            lines.extend(now.difference(&guard.sessions).map(|&number| begun_line(number)));
            guard.sessions = now;
            if let Err(error) = guard.tell(&lines).await {
                return error;
            }
            tracing::debug!(sessions = guard.sessions.len(), "the guard knows");
            tokio::select! {
                status = guard.process.wait() => {
                    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    return io::Error::other(format!("the guard has ended: {how}"));
                }
                changed = children.changed() => if changed.is_err() { std::future::pending().await },
            }
        }
    }
}

impl Guard {
    async fn tell(&mut self, lines: &str) -> io::Result<()> {
        let stalled = |_| io::Error::other("the guard takes nothing");
        timeout(STALLED, self.input.write_all(lines.as_bytes())).await.map_err(stalled)?
    }
}

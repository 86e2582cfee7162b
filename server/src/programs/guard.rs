//! The guard: a process beside the server that outlives it, and kills the processes that it leaves.
//!
//! The system kills a program when the server dies, but not what the program has forked. That is
//! what the guard is for.

use std::{
    collections::HashSet,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use rustix::{
    process::{DumpableBehavior, Signal, set_dumpable_behavior},
    thread::set_name,
};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    time::{Duration, Instant, sleep},
};

use super::{
    cgroup,
    command::GAME_VARIABLE,
    process::{KILL_TIMEOUT, environment_variable, send_signal},
};
use crate::proc_stat::ProcStat;

/// The argument with which the server runs as the guard of another.
pub(super) const GUARD_ARGUMENT: &str = "guard";

/// Its name in lists of processes. It differs from that of the server, so that a signal to all
/// processes with that name does not end the guard.
pub(super) const GUARD_NAME: &str = "tribune-guard";

/// The interval at which remaining processes are looked for.
const POLL: Duration = Duration::from_millis(5);

/// The processes that the guard is to kill, as it has read them line by line.
#[derive(Debug, Default, PartialEq, Eq)]
struct KillList {
    /// The id of the game, which is in the environment of all programs.
    game: Option<String>,
    /// The control group of all programs.
    cgroup: Option<PathBuf>,
    /// The sessions of programs.
    sessions: HashSet<i32>,
}

/// The line with the id of the game.
pub(super) fn game_line(game: &str) -> String {
    format!("game {game}\n")
}

/// The line with the control group of all programs.
pub(super) fn cgroup_line(path: &Path) -> String {
    format!("cgroup {}\n", path.display())
}

/// The line that adds a session.
pub(super) fn add_session_line(session: i32) -> String {
    format!("+ {session}\n")
}

/// The line that removes a session that has become empty, before its number is reused.
pub(super) fn remove_session_line(session: i32) -> String {
    format!("- {session}\n")
}

/// Runs as the guard: reads from `input` what to kill until it ends, which it does with the server,
/// and then kills those processes.
///
/// # Errors
/// If it cannot start.
pub fn run_guard(input: impl io::Read) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { ignore_signals() })?;
    // It can do without either.
    let _ = set_name(c"tribune-guard");
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let list = read_list(input);
    runtime.block_on(list.kill_all());
    Ok(())
}

/// Installs handlers that do nothing for signals that end or stop a process by default.
fn ignore_signals() -> io::Result<()> {
    let others = [Signal::TSTP, Signal::TTIN, Signal::TTOU]
        .map(|signal| SignalKind::from_raw(signal.as_raw()));
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::quit(),
        SignalKind::user_defined1(),
        SignalKind::user_defined2(),
        SignalKind::alarm(),
    ];
    for kind in kinds.into_iter().chain(others) {
        // The handler stays installed when this is dropped.
        drop(signal(kind)?);
    }
    Ok(())
}

/// Reads the list to the end of `input`.
fn read_list(input: impl io::Read) -> KillList {
    let mut list = KillList::default();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        list.update(&line);
    }
    list
}

impl KillList {
    fn update(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(' ') else { return };
        // No program leads the sessions 0 and 1.
        let session = value.parse().ok().filter(|&number: &i32| number > 1);
        match (key, session) {
            ("game", _) => self.game = Some(value.to_owned()),
            ("cgroup", _) => self.cgroup = Some(value.into()),
            ("+", Some(session)) => _ = self.sessions.insert(session),
            ("-", Some(session)) => _ = self.sessions.remove(&session),
            _ => {}
        }
    }

    /// Kills all listed processes until none is left, and removes the control group.
    async fn kill_all(self) {
        let deadline = Instant::now() + KILL_TIMEOUT;
        while self.kill_running() && Instant::now() < deadline {
            sleep(POLL).await;
        }
        if let Some(path) = &self.cgroup {
            cgroup::remove_all(path);
        }
    }

    /// Kills the listed processes that are running, and returns whether there were any.
    fn kill_running(&self) -> bool {
        let mut found = false;
        if let Some(path) = self.cgroup.as_ref().filter(|path| path.exists()) {
            cgroup::kill(path);
            found = cgroup::is_populated(path).unwrap_or(false);
        }
        let processes = ProcStat::all().unwrap_or_default();
        for process in processes.iter().filter(|process| !process.has_exited()) {
            if self.sessions.contains(&process.session) || self.is_marked(process) {
                send_signal(process, Signal::KILL);
                found = true;
            }
        }
        found
    }

    /// Whether `process` has the id of the game in its environment. Those that have left their
    /// session have it too.
    fn is_marked(&self, process: &ProcStat) -> bool {
        self.game.is_some() && environment_variable(process, GAME_VARIABLE) == self.game
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{PipeWriter, Write, pipe},
        os::unix::process::ExitStatusExt,
        process::Stdio,
        thread,
    };

    use tokio::{
        process::{Child, Command},
        task::spawn_blocking,
    };

    use super::{
        super::{before_exec::lead_session, tests::run_exclusively},
        *,
    };

    #[test]
    fn list_is_built_from_lines() {
        let lines = [
            game_line("k3v9q2"),
            cgroup_line(Path::new("/sys/fs/cgroup/a b")),
            add_session_line(20),
            add_session_line(30),
            remove_session_line(20),
            add_session_line(1),
            add_session_line(-5),
            "nonsense\n".into(),
            "+ much\n".into(),
        ];
        let want = KillList {
            game: Some("k3v9q2".into()),
            cgroup: Some("/sys/fs/cgroup/a b".into()),
            sessions: HashSet::from([30]),
        };
        assert_eq!(read_list(lines.concat().as_bytes()), want);
    }

    /// A process that sleeps for longer than any test, as the leader of a session.
    fn sleeper(game: &str) -> (Child, i32) {
        let mut command = Command::new("sleep");
        command.arg("1000").env(GAME_VARIABLE, game).stdin(Stdio::null()).kill_on_drop(true);
        lead_session(&mut command);
        let child = command.spawn().unwrap();
        let id = child.id().unwrap();
        (child, i32::try_from(id).unwrap())
    }

    /// What the guard does, on another thread, with the end of a pipe that it reads from.
    fn guard() -> (PipeWriter, thread::JoinHandle<()>) {
        let (reader, writer) = pipe().unwrap();
        let guard = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let list = read_list(reader);
            runtime.block_on(list.kill_all());
        });
        (writer, guard)
    }

    #[test]
    fn listed_processes_are_killed_when_the_pipe_closes() {
        run_exclusively(async {
            let game = format!("guard-test-{}", std::process::id());
            let (mut in_session, session) = sleeper("another game");
            let (mut in_game, _) = sleeper(&game);
            let (mut removed, removed_session) = sleeper("another game");
            let (mut pipe, guard) = guard();
            for line in [
                game_line(&game),
                add_session_line(session),
                add_session_line(removed_session),
                remove_session_line(removed_session),
            ] {
                pipe.write_all(line.as_bytes()).unwrap();
            }
            for child in [&mut in_session, &mut in_game, &mut removed] {
                assert_eq!(child.try_wait().unwrap(), None, "it runs while the pipe is open");
            }
            drop(pipe);
            for child in [&mut in_session, &mut in_game] {
                let status = child.wait().await.unwrap();
                assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
            }
            spawn_blocking(|| guard.join().unwrap()).await.unwrap();
            assert_eq!(removed.try_wait().unwrap(), None, "it was removed from the list");
        });
    }
}

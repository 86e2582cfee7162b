//! The guard: a process beside the server that outlives it, and kills what it leaves.
//!
//! A program dies with the server because the system sees to it. What the program has forked does
//! not: for this there is the guard.

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

use super::{cgroup, command::GAME, process::Process, processes::VANISH};

/// The argument that makes the server the guard of another.
pub(super) const GUARD: &str = "guard";

/// Its name in lists of processes: other than the server's, so that what is sent to all of the
/// server's name does not end it.
pub(super) const NAME: &str = "tribune-guard";

/// The pause between two looks at what is left.
const LOOK: Duration = Duration::from_millis(5);

/// What the guard is to kill, as it is told line by line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Charge {
    /// The game, whose id stands in the environment of all programs.
    game: Option<String>,
    /// The control group that all programs are in.
    cgroup: Option<PathBuf>,
    /// The sessions of programs.
    sessions: HashSet<i32>,
}

/// The line that says for which game the guard is there.
pub(super) fn game_line(game: &str) -> String {
    format!("game {game}\n")
}

/// The line that says in which control group all programs are.
pub(super) fn cgroup_line(path: &Path) -> String {
    format!("cgroup {}\n", path.display())
}

/// The line that says that there is the session `number`.
pub(super) fn begun_line(number: i32) -> String {
    format!("+ {number}\n")
}

/// The line that says that the session `number` is empty: it may soon be that of another.
pub(super) fn over_line(number: i32) -> String {
    format!("- {number}\n")
}

/// Is the guard: reads from `input` what there is to kill, and kills what of it is left when that
/// ends, which it does with the server, however that ends.
///
/// # Errors
/// If it cannot begin.
pub fn run_guard(input: impl io::Read) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { withstand_signals() })?;
    // Neither is worth ending for.
    let _ = set_name(c"tribune-guard");
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let mut charge = Charge::default();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        charge.learn(&line);
    }
    runtime.block_on(charge.end());
    Ok(())
}

/// Lets signals that end or stop a process by default do nothing.
fn withstand_signals() -> io::Result<()> {
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
        // The handler stays when this is dropped.
        drop(signal(kind)?);
    }
    Ok(())
}

impl Charge {
    fn learn(&mut self, line: &str) {
        let Some((what, value)) = line.split_once(' ') else { return };
        // Of processes 0 and 1 no program is the leader.
        let session = value.parse().ok().filter(|&number: &i32| number > 1);
        match (what, session) {
            ("game", _) => self.game = Some(value.to_owned()),
            ("cgroup", _) => self.cgroup = Some(value.into()),
            ("+", Some(session)) => _ = self.sessions.insert(session),
            ("-", Some(session)) => _ = self.sessions.remove(&session),
            _ => {}
        }
    }

    /// Kills all of it until nothing is left.
    async fn end(self) {
        let deadline = Instant::now() + VANISH;
        while self.kill() && Instant::now() < deadline {
            sleep(LOOK).await;
        }
        if let Some(path) = &self.cgroup {
            cgroup::remove_all(path);
        }
    }

    /// Kills what there is of it, and says whether there was anything.
    fn kill(&self) -> bool {
        let mut found = false;
        if let Some(path) = self.cgroup.as_ref().filter(|path| path.exists()) {
            cgroup::kill(path);
            found = cgroup::is_populated(path).unwrap_or(false);
        }
        let processes = Process::all().unwrap_or_default();
        for process in processes.iter().filter(|process| !process.is_zombie) {
            if self.sessions.contains(&process.session) || self.is_marked(process) {
                process.signal(Signal::KILL);
                found = true;
            }
        }
        found
    }

    /// Whether `process` has the game in its environment, as what has left its session has too.
    fn is_marked(&self, process: &Process) -> bool {
        self.game.is_some() && process.variable(GAME) == self.game
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_what_there_is_to_kill() {
        let mut charge = Charge::default();
        let lines = [
            game_line("k3v9q2"),
            cgroup_line(Path::new("/sys/fs/cgroup/a b")),
            begun_line(20),
            begun_line(30),
            over_line(20),
            begun_line(1),
            begun_line(-5),
            "nonsense\n".into(),
            "+ much\n".into(),
        ];
        for line in lines {
            charge.learn(line.trim_end_matches('\n'));
        }
        let want = Charge {
            game: Some("k3v9q2".into()),
            cgroup: Some("/sys/fs/cgroup/a b".into()),
            sessions: HashSet::from([30]),
        };
        assert_eq!(charge, want);
    }
}

use std::{
    collections::BTreeSet,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{command::own_program, group::ProcessGroup};

/// The argument that makes the server the guard of another.
const GUARD: &str = "guard";

/// A process beside the server that outlives it, and kills the process groups that it leaves.
///
/// A program dies with the server because the system sees to it. What the program has forked does
/// not: for this there is the guard. It gets the numbers of the groups through a pipe, whose end
/// tells it that the server is no more, however it ended.
#[derive(Debug)]
pub(super) struct Guard {
    numbers: ChildStdin,
    _process: Child,
}

impl Guard {
    /// Starts the guard.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start() -> io::Result<Self> {
        let mut process = Command::new(own_program()?)
            .arg0("server")
            .arg(GUARD)
            .stdin(Stdio::piped())
            // It must hold open nothing that somebody waits to see closed.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            // What the terminal sends to the server's group is not meant for it.
            .process_group(0)
            .spawn()?;
        let numbers = process
            .stdin
            .take()
            .ok_or_else(|| io::Error::other("the guard has no standard input"))?;
        Ok(Self { numbers, _process: process })
    }

    /// Lets it watch over `group`.
    pub(super) fn watch(&mut self, group: ProcessGroup) {
        self.tell('+', group);
    }

    /// Lets it forget `group`, which is empty: its number may soon be that of another.
    pub(super) fn forget(&mut self, group: ProcessGroup) {
        self.tell('-', group);
    }

    fn tell(&mut self, sign: char, group: ProcessGroup) {
        if let Err(error) = writeln!(self.numbers, "{sign}{}", group.number()) {
            tracing::warn!(%error, "the guard has gone: if the server is killed, what programs have forked will go on");
        }
    }
}

/// Is the guard: reads from `input` which process groups there are, and kills those that are left
/// when it ends.
pub fn run_guard(input: impl io::Read) {
    let mut groups = BTreeSet::new();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        match line.split_at_checked(1).map(|(sign, number)| (sign, number.parse::<i32>())) {
            Some(("+", Ok(group))) => groups.insert(group),
            Some(("-", Ok(group))) => groups.remove(&group),
            _ => continue,
        };
    }
    for group in groups.into_iter().filter(|&number| number > 1).filter_map(Pid::from_raw) {
        // It fails only if there is nobody left.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

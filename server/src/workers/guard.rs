use std::{
    collections::HashSet,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdin, Command, Stdio},
};

use rustix::process::Signal;

use super::{command::own_program, process_session::ProcessSession};

/// The argument that makes the server the guard of another.
const GUARD: &str = "guard";

/// A process beside the server that outlives it, and kills the sessions that it leaves.
///
/// A program dies with the server because the system sees to it. What the program has forked does
/// not: for this there is the guard. It gets the numbers of the sessions through a pipe, whose end
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

    /// Lets it watch over `session`.
    pub(super) fn watch(&mut self, session: ProcessSession) {
        self.tell('+', session);
    }

    /// Lets it forget `session`, which is empty: its number may soon be that of another.
    pub(super) fn forget(&mut self, session: ProcessSession) {
        self.tell('-', session);
    }

    fn tell(&mut self, sign: char, session: ProcessSession) {
        if let Err(error) = writeln!(self.numbers, "{sign}{}", session.number()) {
            tracing::warn!(%error, "the guard has gone: if the server is killed, what programs have forked will go on");
        }
    }
}

/// Is the guard: reads from `input` which sessions there are, and kills those that are left when it
/// ends.
pub fn run_guard(input: impl io::Read) {
    let mut sessions = HashSet::new();
    for line in BufReader::new(input).lines().map_while(Result::ok) {
        let Some((sign, number)) = line.split_at_checked(1) else { continue };
        let Some(session) = number.parse().ok().and_then(ProcessSession::numbered) else {
            continue;
        };
        match sign {
            "+" => sessions.insert(session),
            "-" => sessions.remove(&session),
            _ => continue,
        };
    }
    for session in sessions {
        session.signal_now(Signal::KILL);
    }
}

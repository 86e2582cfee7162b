use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{DEADLINE, eventually};

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    out: Receiver<String>,
    err: Receiver<String>,
}

/// An ended program.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// The lines of its standard output that were not read before.
    pub out: Vec<String>,
    /// The lines of its standard error that were not read before.
    pub err: Vec<String>,
}

impl Process {
    /// Starts `command` with pipes for its three streams.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = child.stdin.take();
        let out = lines_of(child.stdout.take().expect("it is piped"));
        let err = lines_of(child.stderr.take().expect("it is piped"));
        Self { child, input, out, err }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output; `None` at its end.
    ///
    /// # Panics
    /// If neither comes before the deadline.
    pub fn next_out(&self) -> Option<String> {
        next(&self.out, "standard output")
    }

    /// The next line of standard error for which `wanted` is true.
    ///
    /// # Panics
    /// If it does not come before the deadline.
    pub fn wait_for_err(&self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = next(&self.err, "standard error")
                .expect("standard error ended before that line came");
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Writes `text` to its standard input.
    ///
    /// # Panics
    /// If its standard input is closed.
    pub fn type_in(&mut self, text: &str) {
        let input = self.input.as_mut().expect("its standard input is still open");
        input.write_all(text.as_bytes()).expect("it reads its standard input");
    }

    /// Closes its standard input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Sends `signal` to it.
    ///
    /// # Panics
    /// If it does not exist any more.
    pub fn signal(&self, signal: Signal) {
        let id =
            i32::try_from(self.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        kill_process(id, signal).expect("it still exists");
    }

    /// Closes its standard input, waits until it ends, and returns its output.
    ///
    /// # Panics
    /// If it does not end before the deadline.
    pub fn finish(mut self) -> Finished {
        self.input = None;
        let out = rest(&self.out, "standard output");
        let err = rest(&self.err, "standard error");
        let status = eventually("it ends", || self.child.try_wait().expect("it is our child"));
        Finished { status, out, err }
    }

    /// Kills it with SIGKILL, and waits until it has exited.
    ///
    /// # Panics
    /// If the system does not let this process kill its child.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }
}

impl Finished {
    /// Its exit code; `None` if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already if the test passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn next(lines: &Receiver<String>, what: &str) -> Option<String> {
    match lines.recv_timeout(DEADLINE) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("no line on {what} before the deadline"),
    }
}

fn rest(lines: &Receiver<String>, what: &str) -> Vec<String> {
    let start = Instant::now();
    let mut rest = Vec::new();
    while let Some(line) = next(lines, what) {
        assert!(start.elapsed() < DEADLINE, "{what} did not end before the deadline");
        rest.push(line);
    }
    rest
}

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    ops::{Deref, DerefMut},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{Finished, Process, Spectator, assert_contiguous, eventually, program};

/// A server that runs and listens on a port of the system's choosing.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts the server with `args`, and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(args: &[&str]) -> Self {
        Self::start_as(&mut Command::new(program("server")), args)
    }

    /// Starts the server by way of `command`.
    ///
    /// # Panics
    /// If it does not listen.
    pub fn start_as(command: &mut Command, args: &[&str]) -> Self {
        let process = Process::start(command.args(["--listen", "127.0.0.1:0"]).args(args));
        let address = address_in(&process.wait_for_err(|line| line.contains("listening on")));
        Self { process, address }
    }

    /// Runs the server with `args` to the end of its game, and gives all that it told.
    ///
    /// # Panics
    /// If the game does not end, or what it told has a gap.
    pub fn whole_game(args: &[&str]) -> (Vec<Value>, Finished) {
        // A game may be over before a stalled machine lets anybody join: then it is played again.
        let joined = |_| {
            let server = Self::start(args);
            let spectator = Spectator::try_join(server.address)?;
            Some((server, spectator))
        };
        let (server, mut spectator) = (0..20).find_map(joined).expect("somebody can join");
        spectator.send(format!(
            "{{\"type\":\"resume\",\"game\":{},\"after\":0}}\n",
            spectator.welcome["game"]
        ));
        spectator.wait_for(|line| line["type"] == "resumed");
        let events = spectator.rest();
        assert_contiguous(0, &events);
        let finished = server.finish();
        assert_eq!(finished.code(), Some(0));
        (events, finished)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects to it.
    ///
    /// # Panics
    /// If that fails.
    pub fn join(&self) -> Spectator {
        Spectator::join(self.address)
    }

    /// The client, to be run against this server.
    pub fn client(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("client"));
        command.args(args).env("TRIBUNE_SERVER", self.address.to_string());
        command
    }

    /// Waits for its end, and gives what it printed.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn finish(self) -> Finished {
        self.process.finish()
    }
}

impl Deref for Server {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// An echo server that runs and listens on a port of the system's choosing.
#[derive(Debug)]
pub struct EchoServer {
    process: Process,
    address: SocketAddr,
}

impl EchoServer {
    /// Starts it with `args`, and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(program("server"));
        let process = Process::start(command.args(["echo", "--listen", "127.0.0.1:0"]).args(args));
        let address = address_in(&process.wait_for_err(|line| line.contains("listening on")));
        Self { process, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The subcommand of the client, to be run against this server.
    pub fn client(&self, subcommand: &str) -> Command {
        let mut command = Command::new(program("client"));
        command.arg(subcommand).env("TRIBUNE_ECHO_SERVER", self.address.to_string());
        command
    }

    /// Waits for its end, and gives what it printed.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn finish(self) -> Finished {
        self.process.finish()
    }
}

impl Deref for EchoServer {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// The address that stands in the greeting of a server.
fn address_in(greeting: &str) -> SocketAddr {
    let address = greeting.split(' ').find_map(|word| word.parse().ok());
    address.unwrap_or_else(|| panic!("no address in {greeting:?}"))
}

/// A server whose outputs nobody reads, but for its first line. It is killed when this is dropped.
#[derive(Debug)]
pub struct UnreadServer {
    /// The process.
    pub child: Child,
    /// Its standard output.
    pub out: Option<ChildStdout>,
    /// Its standard error.
    pub err: Option<BufReader<ChildStderr>>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl UnreadServer {
    /// Starts the server with `args`, and waits until it listens.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(program("server"));
        command.args(["--listen", "127.0.0.1:0"]).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let out = child.stdout.take();
        let mut err = child.stderr.take().map(BufReader::new);
        let mut greeting = String::new();
        err.as_mut().expect("it is piped").read_line(&mut greeting).expect("a greeting");
        Self { child, out, err, address: address_in(greeting.trim_end()) }
    }

    /// Sends `signal` to it.
    ///
    /// # Panics
    /// If it is not there any more.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is still there");
    }

    /// Waits for its end, and gives its exit code.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn code(mut self) -> Option<i32> {
        eventually("it ends", || self.child.try_wait().expect("it is our child")).code()
    }
}

impl Drop for UnreadServer {
    fn drop(&mut self) {
        // It has ended already if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

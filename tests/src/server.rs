use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    ops::{Deref, DerefMut},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{Finished, Process, Spectator, assert_contiguous, eventually, program};

/// A running game server on a port that the system chose.
#[derive(Debug)]
pub struct Server {
    process: Process,
    address: SocketAddr,
    page: Option<SocketAddr>,
}

impl Server {
    /// Starts the server with `args`, and waits until it listens. It has no page unless `args` contain `--web`.
    ///
    /// # Panics
    /// If it does not listen before the deadline.
    pub fn start(args: &[&str]) -> Self {
        Self::start_as(&mut Command::new(program("server")), args)
    }

    /// Starts the server by `command`, with `args`, and waits until it listens.
    ///
    /// # Panics
    /// If it does not listen before the deadline.
    pub fn start_as(command: &mut Command, args: &[&str]) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).args(no_web(args)).args(args);
        let process = Process::start(command);
        let address = address_in(&process.wait_for_err(|line| line.contains("listening on")));
        let has_page = args.contains(&"--web") && !args.contains(&"--quiet");
        let page = has_page.then(|| process.wait_for_err(|line| line.contains("http://")));
        let page = page.map(|hint| {
            let (_, address) = hint.split_once("http://").expect("it was found");
            address.parse().expect("an address")
        });
        Self { process, address, page }
    }

    /// Runs the server with `args` to the end of its game, and returns all events.
    ///
    /// # Panics
    /// If the game does not end before the deadline, an event is missing, or the exit code is not 0.
    pub fn whole_game(args: &[&str]) -> (Vec<Value>, Finished) {
        let (events, finished) = Self::whole_game_with_any_code(args);
        assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
        (events, finished)
    }

    /// The same, whatever the exit code is.
    ///
    /// # Panics
    /// If the game does not end before the deadline, or an event is missing.
    pub fn whole_game_with_any_code(args: &[&str]) -> (Vec<Value>, Finished) {
        // On a busy machine a game may end before the spectator has joined. Then another is run.
        let joined = |_| {
            let server = Self::start(args);
            let spectator = Spectator::try_join(server.address)?;
            Some((server, spectator))
        };
        let (server, mut spectator) =
            (0..20).find_map(joined).expect("the spectator joins in time");
        spectator.send(format!(
            "{{\"type\":\"resume\",\"game\":{},\"after\":0}}\n",
            spectator.welcome["game"]
        ));
        spectator.wait_for(|line| line["type"] == "resumed");
        let events = spectator.rest();
        assert_contiguous(0, &events);
        (events, server.finish())
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of its page, which it has if it was started with `--web` and without `--quiet`.
    ///
    /// # Panics
    /// If it has none.
    pub fn web_address(&self) -> SocketAddr {
        self.page.expect("it was started with --web and without --quiet")
    }

    /// Connects a spectator to it.
    ///
    /// # Panics
    /// If that fails.
    pub fn join(&self) -> Spectator {
        Spectator::join(self.address)
    }

    /// A command that runs the client with `args` against this server.
    pub fn client(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("client"));
        command.args(args).env("TRIBUNE_SERVER", self.address.to_string());
        command
    }

    /// Waits until it ends, and returns its output.
    ///
    /// # Panics
    /// If it does not end before the deadline.
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

/// A running echo server on a port that the system chose.
#[derive(Debug)]
pub struct EchoServer {
    process: Process,
    address: SocketAddr,
}

impl EchoServer {
    /// Starts it with `args`, and waits until it listens.
    ///
    /// # Panics
    /// If it does not listen before the deadline.
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(program("server"));
        let process = Process::start(command.args(["echo", "--listen", "127.0.0.1:0"]).args(args));
        let address = address_in(&process.wait_for_err(|line| line.contains("listening on")));
        Self { process, address }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A command that runs `subcommand` of the client against this server.
    pub fn client(&self, subcommand: &str) -> Command {
        let mut command = Command::new(program("client"));
        command.arg(subcommand).env("TRIBUNE_ECHO_SERVER", self.address.to_string());
        command
    }

    /// Waits until it ends, and returns its output.
    ///
    /// # Panics
    /// If it does not end before the deadline.
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

/// What keeps a server that is started with `args` from listening for browsers.
fn no_web(args: &[&str]) -> Option<&'static str> {
    (!args.contains(&"--web")).then_some("--no-web")
}

/// The address in the banner of a server.
fn address_in(banner: &str) -> SocketAddr {
    let address = banner.split(' ').find_map(|word| word.parse().ok());
    address.unwrap_or_else(|| panic!("no address in {banner:?}"))
}

/// A server whose outputs are not read, except for its banner. It is killed when this is dropped.
#[derive(Debug)]
pub struct UnreadServer {
    /// The process.
    pub child: Child,
    /// Its standard output.
    pub out: Option<ChildStdout>,
    /// Its standard error.
    pub err: Option<BufReader<ChildStderr>>,
    /// The address on which it listens.
    pub address: SocketAddr,
}

impl UnreadServer {
    /// Starts the server with `args`, and waits until it listens.
    ///
    /// # Panics
    /// If it does not listen before the deadline.
    pub fn start(args: &[&str]) -> Self {
        let mut command = Command::new(program("server"));
        command.args(["--listen", "127.0.0.1:0"]).args(no_web(args)).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let out = child.stdout.take();
        let mut err = child.stderr.take().map(BufReader::new);
        let mut banner = String::new();
        err.as_mut().expect("it is piped").read_line(&mut banner).expect("a banner");
        Self { child, out, err, address: address_in(banner.trim_end()) }
    }

    /// Sends `signal` to it.
    ///
    /// # Panics
    /// If it does not exist any more.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it still exists");
    }

    /// Waits until it ends, and returns its exit code.
    ///
    /// # Panics
    /// If it does not end before the deadline.
    pub fn code(mut self) -> Option<i32> {
        eventually("it ends", || self.child.try_wait().expect("it is our child")).code()
    }
}

impl Drop for UnreadServer {
    fn drop(&mut self) {
        // It has ended already if the test passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

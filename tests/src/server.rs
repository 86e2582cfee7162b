use std::{
    net::SocketAddr,
    ops::{Deref, DerefMut},
    process::Command,
};

use serde_json::Value;

use crate::{Finished, Process, Spectator, assert_contiguous, program};

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
        let greeting = process.wait_for_err(|line| line.contains("listening on"));
        let address = greeting.split(' ').find_map(|word| word.parse().ok());
        Self { process, address: address.unwrap_or_else(|| panic!("no address in {greeting:?}")) }
    }

    /// Runs the server with `args` to the end of its game, and gives all that it told. The script
    /// has to leave time to join.
    ///
    /// # Panics
    /// If the game does not end, or what it told has a gap.
    pub fn whole_game(args: &[&str]) -> (Vec<Value>, Finished) {
        let server = Self::start(args);
        let mut spectator = server.join();
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

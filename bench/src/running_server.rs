//! A server that runs on the first processor, to be measured.

use std::{
    io::{self, BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{
    command, outcome::Outcome, server_process::ServerProcess, system::System, target::Target,
    work::Work,
};

/// How long a server may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A tick so long that there is none while anything is measured.
pub const NO_TICKS: &str = "24h";

/// A server that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct RunningServer {
    child: Child,
    system: System,
    /// Where subscribers connect.
    pub subscribe: SocketAddr,
    /// Where the publisher connects.
    pub publish: SocketAddr,
}

impl RunningServer {
    /// Starts `target`. A game server's clock ticks every `tick`.
    ///
    /// # Errors
    /// If it is not installed, or does not listen in time.
    pub fn start(target: &Target, tick: &str) -> anyhow::Result<Self> {
        let port = free_port().context("no port is free")?;
        let command = command::server(target, port, tick)?;
        Self::start_command(target, port, command)
    }

    /// Starts the game server `target` with `args` and without programs and limits, on all processors.
    ///
    /// # Errors
    /// If it is not installed, or does not listen in time.
    pub fn start_game(target: &Target, args: &[String]) -> anyhow::Result<Self> {
        let port = free_port().context("no port is free")?;
        let mut command = command::unpinned_game(target, port, NO_TICKS)?;
        command.args(args);
        Self::start_command(target, port, command)
    }

    fn start_command(target: &Target, port: u16, mut command: Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().context("cannot start the server")?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let system = target.system;
        let mut server = Self { child, system, subscribe: address, publish: address };
        if matches!(system, System::Baseline | System::TaskPerClient) {
            let output = server.child.stdout.take().context("the server has no output")?;
            (server.subscribe, server.publish) = read_addresses(BufReader::new(output))?;
        }
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// Its process.
    pub fn process(&self) -> ServerProcess {
        ServerProcess::new(self.child.id())
    }

    /// Runs the load with `work` against it, on the last processor.
    ///
    /// # Errors
    /// If the load fails.
    pub fn measure(&self, work: Work) -> anyhow::Result<Outcome> {
        let mut load = command::load()?;
        load.args(["--system", self.system.name()])
            .args(["--subscribe", &self.subscribe.to_string()])
            .args(["--publish", &self.publish.to_string()])
            .args(["--process", &self.child.id().to_string()])
            .args(["--work", &serde_json::to_string(&work)?]);
        let output = load.stderr(Stdio::inherit()).output().context("cannot start the load")?;
        if !output.status.success() {
            bail!("the load failed, see above");
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn wait_until_it_listens(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        while TcpStream::connect(self.subscribe).is_err() {
            if start.elapsed() > START_TIMEOUT {
                bail!("the server does not listen");
            }
            #[expect(clippy::disallowed_methods, reason = "nothing signals that it is ready")]
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The addresses for subscribers and for the publisher, which the server prints in one line.
fn read_addresses(mut output: impl BufRead) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    let mut addresses = line.split_whitespace().map(str::parse);
    match (addresses.next(), addresses.next()) {
        (Some(Ok(subscribe)), Some(Ok(publish))) => Ok((subscribe, publish)),
        _ => bail!("the server does not print where it listens"),
    }
}

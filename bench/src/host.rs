//! Starting what is to be measured, each on its own processor, one after the other.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{
    load::{Outcome, Work},
    process::Observed,
    system::System,
};

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(10);

/// A server that runs. It is ended when this is dropped.
#[derive(Debug)]
pub struct Running {
    process: Child,
    /// Where subscribers connect.
    pub subscribe: SocketAddr,
    /// Where the publisher connects.
    pub publish: SocketAddr,
}

/// Why a system is not measured.
#[derive(Debug)]
pub enum NotRun {
    /// It is not installed: the program that is missing.
    Missing(&'static str),
    /// It did not start.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for NotRun {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl Running {
    /// Starts `system` on the first processor.
    ///
    /// # Errors
    /// If it is not there, or does not listen in time.
    pub fn start(system: System) -> Result<Self, NotRun> {
        let port = free_port().context("there is no free port")?;
        Self::spawn(system, command(system, port)?, port)
    }

    /// Starts the game server on the first processor, with `args` besides.
    ///
    /// # Errors
    /// If it is not there, or does not listen in time.
    pub fn start_game(args: &[&str]) -> Result<Self, NotRun> {
        let port = free_port().context("there is no free port")?;
        let mut command = game(port)?;
        command.args(args);
        Self::spawn(System::Tribune, command, port)
    }

    fn spawn(system: System, mut command: Command, port: u16) -> Result<Self, NotRun> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().context("cannot start the server")?;
        let own = SocketAddr::from(([127, 0, 0, 1], port));
        let (subscribe, publish) = match system {
            System::Floor | System::TaskPerClient => {
                let out = process.stdout.take().context("its output is not there")?;
                read_addresses(BufReader::new(out))?
            }
            _ => (own, own),
        };
        let running = Self { process, subscribe, publish };
        running.wait()?;
        Ok(running)
    }

    /// Its process.
    pub fn observed(&self) -> Observed {
        Observed::new(self.process.id())
    }

    /// Lets the load do `work` against it on the last processor.
    ///
    /// # Errors
    /// If the load fails.
    pub fn measure(&self, system: System, work: Work) -> anyhow::Result<Outcome> {
        let last = available_parallelism().map_or(0, |cores| cores.get() - 1);
        let mut load = pinned(&env::current_exe()?, last);
        load.args(["load", "--system", system.name()])
            .args(["--subscribe", &self.subscribe.to_string()])
            .args(["--publish", &self.publish.to_string()])
            .args(["--server", &self.process.id().to_string()])
            .args(["--work", &serde_json::to_string(&work)?]);
        let output = load.stderr(Stdio::inherit()).output().context("cannot start the load")?;
        if !output.status.success() {
            bail!("the load failed, see above");
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn wait(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.subscribe).is_err() {
            if begun.elapsed() > START {
                bail!("it does not listen");
            }
            #[expect(clippy::disallowed_methods, reason = "it cannot tell when it is ready")]
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// `program`, to be run on the processor `number` alone.
fn pinned(program: &std::path::Path, number: usize) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &number.to_string()]).arg(program);
    command
}

/// The game server, without programs and limits.
fn game(port: u16) -> Result<Command, NotRun> {
    let own = env::current_exe().context("cannot find this program")?;
    let mut command = pinned(&own.with_file_name("server"), 0);
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--script", "", "--stay", "--quiet"]);
    command.args(["--move-rate", "0", "--address-bytes", "0", "--max-clients", "20000"]);
    Ok(command)
}

fn command(system: System, number: u16) -> Result<Command, NotRun> {
    let own = env::current_exe().context("cannot find this program")?;
    let port = number.to_string();
    Ok(match system {
        System::Floor | System::TaskPerClient => {
            let mut command = pinned(&own, 0);
            command.arg(if system == System::Floor { "floor" } else { "task-per-client" });
            command
        }
        System::Tribune => {
            let mut command = game(number)?;
            // Nothing but what is published.
            command.args(["--tick", "24h"]);
            command
        }
        System::Nats => {
            let mut command = pinned(&installed("nats-server")?, 0);
            command.args(["--addr", "127.0.0.1", "--port", &port]);
            command
        }
        System::Redis => {
            let mut command = pinned(&installed("redis-server")?, 0);
            command.args(["--bind", "127.0.0.1", "--port", &port, "--save", ""]);
            command.args(["--maxclients", "19900", "--dir", "/tmp"]);
            command
        }
        System::Mosquitto => {
            let config = env::temp_dir().join(format!("tribune-bench-{port}.conf"));
            let text = format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_type none\n\
                 max_queued_messages 0\nset_tcp_nodelay true\n"
            );
            let write = File::create(&config).and_then(|mut file| file.write_all(text.as_bytes()));
            write.context("cannot write its configuration")?;
            let mut command = pinned(&installed("mosquitto")?, 0);
            command.arg("-c").arg(config);
            command
        }
    })
}

fn installed(name: &'static str) -> Result<PathBuf, NotRun> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut found = folders.map(|folder| folder.join(name));
    found.find(|path| path.exists()).ok_or(NotRun::Missing(name))
}

fn read_addresses(mut out: impl BufRead) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let mut line = String::new();
    out.read_line(&mut line)?;
    let mut addresses = line.split_whitespace().map(str::parse);
    match (addresses.next(), addresses.next()) {
        (Some(Ok(subscribe)), Some(Ok(publish))) => Ok((subscribe, publish)),
        _ => bail!("it does not say where it listens"),
    }
}

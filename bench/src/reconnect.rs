//! All clients are disconnected at once and reconnect: how long it takes until all have resumed.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use rustix::net::sockopt::set_socket_linger;
use serde_json::Value;

use crate::{
    connect::connect,
    metric::{Metric, Sample},
    poller::Poller,
    running_server::RunningServer,
    target::Target,
};

/// Much longer than it takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often the game has an event.
const TICK: &str = "100ms";

/// A client that knows its position in the stream.
struct Client {
    socket: TcpStream,
    unfinished: Vec<u8>,
    game: String,
    /// The last event it has got.
    last: u64,
    /// Whether it asked to resume when it connected.
    is_resuming: bool,
    /// Whether the server has confirmed that.
    has_resumed: bool,
    /// The snapshots it has got since it connected last.
    snapshots: u32,
}

/// Connects `count` clients to `target`, disconnects all at once, and measures the time until all have
/// reconnected and resumed.
///
/// # Errors
/// If a client cannot reconnect, or misses an event.
pub fn measure(target: &Target, count: usize) -> anyhow::Result<Sample> {
    let running = RunningServer::start(target, TICK)?;
    let server = running.subscribe;
    let mut clients = HashMap::new();
    let mut poller = Poller::new()?;
    for number in 0..count {
        clients.insert(number as u64, Client::join(server, number, &poller)?);
    }
    // All are subscribed when each has got an event since.
    read_until(&mut poller, &mut clients, |client| client.snapshots == 1 && client.last > 0)?;
    let head = clients.values().map(|client| client.last).max().unwrap_or(0);
    read_until(&mut poller, &mut clients, |client| client.last > head)?;

    let start = Instant::now();
    let before: Vec<(u64, String, u64)> = clients
        .drain()
        .map(|(number, client)| {
            // Reset rather than closed, as when a network fails.
            set_socket_linger(&client.socket, Some(Duration::ZERO))?;
            Ok((number, client.game, client.last))
        })
        .collect::<io::Result<_>>()?;
    let mut poller = Poller::new()?;
    for (number, game, last) in before {
        let mut client = Client::join(server, usize::try_from(number)?, &poller)?;
        let resume = format!("{{\"type\":\"resume\",\"game\":\"{game}\",\"after\":{last}}}\n");
        client.socket.write_all(resume.as_bytes())?;
        (client.game, client.last, client.is_resuming) = (game, last, true);
        clients.insert(number, client);
    }
    read_until(&mut poller, &mut clients, |client| client.has_resumed)?;
    let took = start.elapsed();
    let snapshots = clients.values().map(|client| client.snapshots).max().unwrap_or(0);
    // The stream goes on, without a gap.
    let head = clients.values().map(|client| client.last).max().unwrap_or(0);
    read_until(&mut poller, &mut clients, |client| client.last > head)?;
    Ok(vec![(Metric::ReconnectTime, took.as_secs_f64()), (Metric::Snapshots, snapshots.into())])
}

/// Reads until all clients are `done`.
fn read_until(
    poller: &mut Poller,
    clients: &mut HashMap<u64, Client>,
    done: impl Fn(&Client) -> bool,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + TIMEOUT;
    let mut waiting = clients.values().filter(|client| !done(client)).count();
    while waiting > 0 {
        ensure!(
            Instant::now() < deadline,
            "{waiting} clients wait for events or for the stream to resume"
        );
        for ready in poller.wait(Some(Duration::from_millis(100)))? {
            let Some(client) = clients.get_mut(&ready.token).filter(|_| ready.readable) else {
                continue;
            };
            let was_done = done(client);
            client.read()?;
            waiting -= usize::from(!was_done && done(client));
        }
    }
    Ok(())
}

impl Client {
    fn join(server: SocketAddr, number: usize, poller: &Poller) -> anyhow::Result<Self> {
        let socket = connect(server, number).context("a client cannot connect")?;
        socket.set_nonblocking(true)?;
        poller.add(&socket, number as u64)?;
        Ok(Self {
            socket,
            unfinished: Vec::new(),
            game: String::new(),
            last: 0,
            is_resuming: false,
            has_resumed: false,
            snapshots: 0,
        })
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let mut scratch = [0; 16 << 10];
        loop {
            let length = match self.socket.read(&mut scratch) {
                Ok(0) => anyhow::bail!("a client was disconnected"),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a client was disconnected"),
            };
            self.unfinished.extend_from_slice(&scratch[..length]);
            while let Some(end) = memchr::memchr(b'\n', &self.unfinished) {
                let line: Vec<u8> = self.unfinished.drain(..=end).collect();
                self.handle(&serde_json::from_slice(&line)?)?;
            }
        }
    }

    fn handle(&mut self, line: &Value) -> anyhow::Result<()> {
        match line["type"].as_str().unwrap_or_default() {
            "welcome" => {
                if self.game.is_empty() {
                    line["game"].as_str().unwrap_or_default().clone_into(&mut self.game);
                    self.last = line["seq"].as_u64().unwrap_or(0);
                }
            }
            "state" => self.snapshots += 1,
            // A snapshot follows.
            "resync" => {}
            "resumed" => {
                ensure!(
                    line["after"].as_u64() == Some(self.last),
                    "resumed at another event: {line}"
                );
                self.has_resumed = true;
            }
            _ => {
                let seq = line["seq"].as_u64().unwrap_or(0);
                // Between the snapshot and the reply to `resume`, events may arrive.
                if self.has_resumed || !self.is_resuming {
                    ensure!(seq == self.last + 1, "event {seq} after {}", self.last);
                    self.last = seq;
                }
            }
        }
        Ok(())
    }
}

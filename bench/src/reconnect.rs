//! Everybody is cut off at once and comes back: how long it takes until all go on where they were.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use rustix::net::sockopt::set_socket_linger;
use serde_json::Value;

use crate::{load::connect, poller::Poller};

/// Longer than it may take by far.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client that knows where it is in the stream.
struct Client {
    socket: TcpStream,
    unfinished: Vec<u8>,
    game: String,
    /// The last event it has got.
    last: u64,
    /// Whether it has been there before.
    is_resuming: bool,
    /// Whether it goes on where it was.
    has_resumed: bool,
    /// The states it was sent since it connected last.
    snapshots: u32,
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Comeback {
    /// Until all had gone on where they were.
    pub took: Duration,
    /// The most states that one of them was sent meanwhile.
    pub most_snapshots: u32,
}

/// Lets `count` clients of the game server at `server` be cut off and come back.
///
/// # Errors
/// If one does not come back, or has missed an event.
pub fn run(server: SocketAddr, count: usize) -> anyhow::Result<Comeback> {
    let mut clients = HashMap::new();
    let mut poller = Poller::new()?;
    for number in 0..count {
        clients.insert(number as u64, Client::join(server, number, &poller)?);
    }
    // All are in the stream when each has got an event since.
    until(&mut poller, &mut clients, |client| client.snapshots == 1 && client.last > 0)?;
    let head = clients.values().map(|client| client.last).max().unwrap_or(0);
    until(&mut poller, &mut clients, |client| client.last > head)?;

    let start = Instant::now();
    let before: Vec<(u64, String, u64)> = clients
        .drain()
        .map(|(number, client)| {
            // Closed without a word, as when a network fails.
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
    until(&mut poller, &mut clients, |client| client.has_resumed)?;
    let took = start.elapsed();
    let most_snapshots = clients.values().map(|client| client.snapshots).max().unwrap_or(0);
    // And on, without a gap.
    let head = clients.values().map(|client| client.last).max().unwrap_or(0);
    until(&mut poller, &mut clients, |client| client.last > head)?;
    Ok(Comeback { took, most_snapshots })
}

/// Takes in what comes until all are `done`.
fn until(
    poller: &mut Poller,
    clients: &mut HashMap<u64, Client>,
    done: impl Fn(&Client) -> bool,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut waiting = clients.values().filter(|client| !done(client)).count();
    while waiting > 0 {
        ensure!(Instant::now() < deadline, "{waiting} clients are not where they should be");
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
                Ok(0) => anyhow::bail!("a client was cut off"),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a client was cut off"),
            };
            self.unfinished.extend_from_slice(&scratch[..length]);
            while let Some(end) = memchr::memchr(b'\n', &self.unfinished) {
                let line: Vec<u8> = self.unfinished.drain(..=end).collect();
                self.hear(&serde_json::from_slice(&line)?)?;
            }
        }
    }

    fn hear(&mut self, line: &Value) -> anyhow::Result<()> {
        match line["type"].as_str().unwrap_or_default() {
            "welcome" => {
                if self.game.is_empty() {
                    line["game"].as_str().unwrap_or_default().clone_into(&mut self.game);
                    self.last = line["seq"].as_u64().unwrap_or(0);
                }
            }
            "state" => self.snapshots += 1,
            // A state follows.
            "resync" => {}
            "resumed" => {
                ensure!(line["after"].as_u64() == Some(self.last), "resumed elsewhere: {line}");
                self.has_resumed = true;
            }
            _ => {
                let seq = line["seq"].as_u64().unwrap_or(0);
                // Events may come between the state and the answer to the resume.
                if self.has_resumed || !self.is_resuming {
                    ensure!(seq == self.last + 1, "event {seq} after {}", self.last);
                    self.last = seq;
                }
            }
        }
        Ok(())
    }
}

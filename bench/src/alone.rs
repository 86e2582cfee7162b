//! What is measured of a game server alone: the memory of idle clients, and the rate of moves.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;

use crate::{
    connect::connect,
    metric::{Metric, Sample, real},
    running_server::{NO_TICKS, RunningServer},
    server_process::ServerProcess,
    target::Target,
};

/// How many moves the publisher sends.
const MOVES: u64 = 3_000_000;

/// In how large batches.
const BATCH: u64 = 10_000;

/// After which time the memory of a server does not change any more.
const SETTLE_TIME: Duration = Duration::from_secs(3);

/// Much longer than it takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Measures `target` with `clients` idle clients, and then, started again, with one publisher.
///
/// # Errors
/// If a client cannot connect, or a move does not become an event.
pub fn measure(target: &Target, clients: usize) -> anyhow::Result<Sample> {
    let server = RunningServer::start(target, NO_TICKS)?;
    let memory = memory_per_idle_client(server.subscribe, server.process(), clients)?;
    drop(server);
    let server = RunningServer::start(target, NO_TICKS)?;
    let rate = moves_per_second(server.subscribe)?;
    Ok(vec![(Metric::MemoryPerIdleClient, memory), (Metric::Moves, rate)])
}

/// The server's memory for each of `count` clients that send nothing, in bytes.
fn memory_per_idle_client(
    server: SocketAddr,
    process: ServerProcess,
    count: usize,
) -> anyhow::Result<f64> {
    let before = process.memory();
    let clients: Vec<TcpStream> =
        (0..count).map(|number| connect(server, number)).collect::<Result<_, _>>()?;
    settle();
    let after = process.memory();
    drop(clients);
    Ok(real(after.saturating_sub(before)) / real(count.max(1)))
}

/// Moves per second that the server takes from one publisher, without subscribers.
fn moves_per_second(server: SocketAddr) -> anyhow::Result<f64> {
    let batch = b"N pub\n".repeat(usize::try_from(BATCH)?);
    let mut publisher = TcpStream::connect(server)?;
    let first = last_event(server)?;
    let start = Instant::now();
    for _ in 0..MOVES / BATCH {
        publisher.write_all(&batch)?;
    }
    while last_event(server)? < first + MOVES / BATCH * BATCH {
        ensure!(start.elapsed() < TIMEOUT, "not all moves have become events");
    }
    Ok(real(MOVES) / start.elapsed().as_secs_f64())
}

/// The number of the game's last event, which is in the welcome to each client.
fn last_event(server: SocketAddr) -> anyhow::Result<u64> {
    let mut welcome = String::new();
    BufReader::new(TcpStream::connect(server)?).read_line(&mut welcome)?;
    let welcome: serde_json::Value = serde_json::from_str(&welcome)?;
    Ok(welcome["seq"].as_u64().unwrap_or(0))
}

#[expect(clippy::disallowed_methods, reason = "nothing signals that memory has settled")]
fn settle() {
    thread::sleep(SETTLE_TIME);
}

//! What is measured of the game server alone: what an idle client costs, and how fast moves go in.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;

use crate::{load::connect, process::Observed};

/// How long a server may take to settle.
const SETTLE: Duration = Duration::from_secs(3);

/// Longer than it may take by far.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server's memory in bytes for each of `count` clients that do nothing.
///
/// # Errors
/// If they cannot connect.
pub fn memory_of_idle(server: SocketAddr, process: Observed, count: usize) -> anyhow::Result<u64> {
    let before = process.memory();
    let clients: Vec<TcpStream> =
        (0..count).map(|number| connect(server, number)).collect::<Result<_, _>>()?;
    settle();
    let after = process.memory();
    drop(clients);
    Ok(after.saturating_sub(before) / count.max(1) as u64)
}

/// Moves per second that the server takes from one publisher, if nobody else is there.
///
/// # Errors
/// If they do not all become events.
pub fn moves_per_second(server: SocketAddr, moves: u64) -> anyhow::Result<f64> {
    const CHUNK: u64 = 10_000;
    let chunk = b"N pub\n".repeat(usize::try_from(CHUNK)?);
    let mut publisher = TcpStream::connect(server)?;
    let first = last_event(server)?;
    let start = Instant::now();
    for _ in 0..moves / CHUNK {
        publisher.write_all(&chunk)?;
    }
    while last_event(server)? < first + moves / CHUNK * CHUNK {
        ensure!(start.elapsed() < PATIENCE, "not all moves have become events");
    }
    #[expect(clippy::cast_precision_loss, reason = "it is shown to three digits")]
    let rate = moves as f64 / start.elapsed().as_secs_f64();
    Ok(rate)
}

/// The last event of the game: whoever connects is told.
fn last_event(server: SocketAddr) -> anyhow::Result<u64> {
    let mut welcome = String::new();
    BufReader::new(TcpStream::connect(server)?).read_line(&mut welcome)?;
    let welcome: serde_json::Value = serde_json::from_str(&welcome)?;
    Ok(welcome["seq"].as_u64().unwrap_or(0))
}

#[expect(clippy::disallowed_methods, reason = "nothing tells when memory has settled")]
fn settle() {
    thread::sleep(SETTLE);
}

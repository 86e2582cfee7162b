//! How fast a client that reads all it can gets the past events of a game.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    metric::{Metric, Sample, milliseconds, real},
    running_server::{NO_TICKS, RunningServer},
    target::Target,
};

/// Much longer than it takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// About as many moves as a log of 16 MiB holds.
const MOVES: usize = 120_000;

/// Starts `target` and measures it as [`measure_at`] does.
///
/// # Errors
/// If not all events arrive.
pub fn measure(target: &Target) -> anyhow::Result<Sample> {
    let server = RunningServer::start(target, NO_TICKS)?;
    measure_at(server.subscribe)
}

/// Fills the log of the game at `server` with moves, then gets them again with one `resume`, and
/// measures the time from the request to the last event.
///
/// # Errors
/// If not all events arrive.
pub fn measure_at(server: SocketAddr) -> anyhow::Result<Sample> {
    let head = fill(server)?;
    let (mut reader, welcome) = join(server)?;
    let oldest = welcome["oldest"].as_u64().context("no oldest event")?;
    let resume = format!(
        "{{\"type\":\"resume\",\"game\":{},\"after\":{}}}\n",
        welcome["game"],
        oldest.saturating_sub(1)
    );
    let start = Instant::now();
    reader.get_mut().write_all(resume.as_bytes())?;
    let mut line = String::new();
    while !line.contains("\"resumed\"") {
        line.clear();
        ensure!(reader.read_line(&mut line)? > 0, "the server did not resume the stream");
    }
    let mut missing = head + 1 - oldest;
    let (mut scratch, mut bytes) = (vec![0; 256 << 10], 0_u64);
    while missing > 0 {
        let length = reader.read(&mut scratch)?;
        ensure!(length > 0, "{missing} events did not arrive");
        let lines = memchr::memchr_iter(b'\n', &scratch[..length]).count();
        missing = missing.saturating_sub(lines as u64);
        bytes += length as u64;
    }
    let took = u64::try_from(start.elapsed().as_micros())?;
    Ok(vec![(Metric::PastSize, real(bytes) / 1e6), (Metric::PastTime, milliseconds(took))])
}

/// Moves a player many times, and returns the number of the last event.
fn fill(server: SocketAddr) -> anyhow::Result<u64> {
    let (mut publisher, welcome) = join(server)?;
    let first = welcome["seq"].as_u64().unwrap_or(0);
    let mut writer = publisher.get_ref().try_clone()?;
    let chunk = b"N publisher\n".repeat(1000);
    let sender =
        std::thread::spawn(move || (0..MOVES / 1000).try_for_each(|_| writer.write_all(&chunk)));
    let (mut line, mut last) = (String::new(), first);
    while last < first + MOVES as u64 {
        line.clear();
        ensure!(publisher.read_line(&mut line)? > 0, "the publisher was disconnected");
        let event: Value = serde_json::from_str(&line)?;
        last = event["seq"].as_u64().unwrap_or(last);
    }
    sender.join().map_err(|_| anyhow::anyhow!("the publisher failed"))??;
    Ok(last)
}

/// A connection that has received its welcome and its snapshot.
fn join(server: SocketAddr) -> anyhow::Result<(BufReader<TcpStream>, Value)> {
    let socket = TcpStream::connect(server)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    let mut reader = BufReader::new(socket);
    let (mut welcome, mut state) = (String::new(), String::new());
    reader.read_line(&mut welcome)?;
    reader.read_line(&mut state)?;
    Ok((reader, serde_json::from_str(&welcome)?))
}

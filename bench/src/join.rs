//! What a client that joins costs a server.

use std::{
    io::{self, Read},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{
    connect::connect,
    metric::{Metric, Sample, real},
    running_server::{NO_TICKS, RunningServer},
    server_process::ServerProcess,
    target::Target,
};

/// Much longer than it takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// When a server has done nothing for so long, all clients have joined.
const QUIET: Duration = Duration::from_millis(300);

/// Connects `clients` to `target` one after another, and measures the time until each has its
/// welcome and its snapshot. The baseline sends neither.
///
/// # Errors
/// If one cannot connect, or does not get them.
pub fn measure(target: &Target, clients: usize) -> anyhow::Result<Sample> {
    let server = RunningServer::start(target, NO_TICKS)?;
    let process = server.process();
    let lines = target.system.lines_before_events();
    let before = process.processor_time();
    let start = Instant::now();
    let mut sockets: Vec<TcpStream> =
        (0..clients).map(|number| connect(server.subscribe, number)).collect::<io::Result<_>>()?;
    for client in &mut sockets {
        client.set_read_timeout(Some(TIMEOUT))?;
        read_lines(client, lines)?;
    }
    let took = start.elapsed();
    let spent = wait_for_quiet(process)?.saturating_sub(before);
    Ok(vec![
        (Metric::CpuPerJoin, spent.as_secs_f64() * 1e6 / real(clients.max(1))),
        (Metric::JoinTime, took.as_secs_f64()),
    ])
}

fn read_lines(client: &mut TcpStream, count: usize) -> anyhow::Result<()> {
    let (mut scratch, mut lines) = ([0; 16 << 10], 0);
    while lines < count {
        let length = client.read(&mut scratch).context("a client got no welcome")?;
        ensure!(length > 0, "a client was disconnected");
        lines += memchr::memchr_iter(b'\n', &scratch[..length]).count();
    }
    Ok(())
}

/// Waits until `process` is idle, and returns its processor time.
fn wait_for_quiet(process: ServerProcess) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut before = process.processor_time();
    loop {
        #[expect(clippy::disallowed_methods, reason = "nothing signals that a process is idle")]
        thread::sleep(QUIET);
        let now = process.processor_time();
        if now.saturating_sub(before) < QUIET / 100 {
            return Ok(now);
        }
        ensure!(start.elapsed() < TIMEOUT, "the server does not become idle");
        before = now;
    }
}

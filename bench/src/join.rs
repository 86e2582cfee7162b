//! What it costs a server to let clients in.

use std::{
    io::{self, Read},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{load::connect, process::Observed};

/// Longer than it may take by far.
const DEADLINE: Duration = Duration::from_secs(30);

/// When a server has done nothing for so long, it has let all in.
const QUIET: Duration = Duration::from_millis(300);

/// What letting in one client cost, and how many came in a second.
#[derive(Clone, Copy, Debug)]
pub struct Joins {
    /// Processor time of the server for each client.
    pub processor_time: Duration,
    /// From the first connection until the last was greeted.
    pub took: Duration,
}

/// Lets `count` clients join the server at `server` one after the other, and reads until each has
/// got `lines` lines.
///
/// # Errors
/// If one cannot connect, or does not get them.
pub fn run(
    server: SocketAddr,
    process: Observed,
    count: usize,
    lines: usize,
) -> anyhow::Result<Joins> {
    let before = process.processor_time();
    let start = Instant::now();
    let mut clients: Vec<TcpStream> =
        (0..count).map(|number| connect(server, number)).collect::<io::Result<_>>()?;
    for client in &mut clients {
        client.set_read_timeout(Some(DEADLINE))?;
        read_lines(client, lines)?;
    }
    let took = start.elapsed();
    let spent = wait_for_quiet(process)?.saturating_sub(before);
    Ok(Joins { processor_time: spent / u32::try_from(count.max(1))?, took })
}

fn read_lines(client: &mut TcpStream, count: usize) -> anyhow::Result<()> {
    let (mut scratch, mut lines) = ([0; 16 << 10], 0);
    while lines < count {
        let length = client.read(&mut scratch).context("a client was not greeted")?;
        ensure!(length > 0, "a client was cut off");
        lines += memchr::memchr_iter(b'\n', &scratch[..length]).count();
    }
    Ok(())
}

/// The processor time that `process` has taken when it does nothing any more.
fn wait_for_quiet(process: Observed) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let mut before = process.processor_time();
    loop {
        #[expect(clippy::disallowed_methods, reason = "nothing tells when a process is idle")]
        thread::sleep(QUIET);
        let now = process.processor_time();
        if now.saturating_sub(before) < QUIET / 100 {
            return Ok(now);
        }
        ensure!(start.elapsed() < DEADLINE, "the server does not come to rest");
        before = now;
    }
}

//! Clients that join a large game and never read: how much memory the server needs for them.

use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    connect::connect,
    metric::{Metric, Sample, real},
    poller::Poller,
    running_server::RunningServer,
    target::Target,
};

/// How many connections play, and read.
const PLAYING: usize = 625;

/// How many players each connection has.
const PLAYERS: usize = 16;

/// How many silent clients join per second.
const JOINS_PER_SECOND: u32 = 50;

/// The game's tick.
const TICK: &str = "1s";

/// After which time the memory of a server does not change any more.
const SETTLE_TIME: Duration = Duration::from_secs(3);

/// Starts `target` with 10,000 players whose names are as long as possible, and measures its memory
/// while `silent` more clients join, move their players once, and never read.
///
/// # Errors
/// If a client cannot connect.
pub fn measure(target: &Target, silent: usize) -> anyhow::Result<Sample> {
    let running = RunningServer::start(target, TICK)?;
    let (server, process) = (running.subscribe, running.process());
    let playing = (0..PLAYING)
        .map(|number| join(server, number, "\u{20000}"))
        .collect::<io::Result<Vec<TcpStream>>>()?;
    let done = Arc::new(AtomicBool::new(false));
    let reader = read_all(&playing, done.clone())?;
    settle();
    let before = process.memory();
    let (start, mut max, mut joined) = (Instant::now(), before, Vec::new());
    for number in 0..silent {
        let due = start + Duration::from_secs(1) / JOINS_PER_SECOND * u32::try_from(number)?;
        #[expect(clippy::disallowed_methods, reason = "this is the rate at which they join")]
        thread::sleep(due.saturating_duration_since(Instant::now()));
        joined.push(join(server, PLAYING + number, "x")?);
        max = max.max(process.memory());
    }
    drop(joined);
    done.store(true, Ordering::Relaxed);
    // A reader that failed has nothing to report: its connections are closed now.
    let _ = reader.join();
    drop(playing);
    settle();
    let mebibytes = |bytes: u64| real(bytes) / f64::from(1 << 20);
    Ok(vec![
        (Metric::MemoryBefore, mebibytes(before)),
        (Metric::MemoryMax, mebibytes(max)),
        (Metric::MemoryAfter, mebibytes(process.memory())),
    ])
}

/// A connection that moves its players once each.
fn join(server: SocketAddr, number: usize, letter: &str) -> io::Result<TcpStream> {
    let mut socket = connect(server, number)?;
    let mut moves = String::new();
    for player in 0..PLAYERS {
        // A name has 32 characters at most.
        writeln!(moves, "N {}{player:02}", letter.repeat(30)).map_err(io::Error::other)?;
    }
    socket.write_all(moves.as_bytes())?;
    Ok(socket)
}

/// Reads and discards what arrives at `sockets`, until it is `done`.
fn read_all(
    sockets: &[TcpStream],
    done: Arc<AtomicBool>,
) -> io::Result<thread::JoinHandle<io::Result<()>>> {
    let mut sockets: Vec<TcpStream> =
        sockets.iter().map(TcpStream::try_clone).collect::<io::Result<_>>()?;
    Ok(thread::spawn(move || {
        let mut poller = Poller::new()?;
        for (number, socket) in sockets.iter().enumerate() {
            socket.set_nonblocking(true)?;
            poller.add(socket, number as u64)?;
        }
        let mut scratch = vec![0; 256 << 10];
        while !done.load(Ordering::Relaxed) {
            for ready in poller.wait(Some(Duration::from_millis(100)))? {
                let index = usize::try_from(ready.token).map_err(io::Error::other)?;
                while let Ok(1..) = sockets[index].read(&mut scratch) {}
            }
        }
        Ok(())
    }))
}

#[expect(clippy::disallowed_methods, reason = "nothing signals that memory has settled")]
fn settle() {
    thread::sleep(SETTLE_TIME);
}

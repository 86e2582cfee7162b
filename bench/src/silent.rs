//! Clients that join a large game and never read: what the server holds for them.

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

use crate::{load::connect, poller::Poller, process::Observed};

/// How many players each connection has.
const PLAYERS: usize = 16;

/// How long the server may take to let go of what it held.
const SETTLE: Duration = Duration::from_secs(3);

/// The server's own memory in bytes, as it went.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// With all players of the game, whose clients read.
    pub players: u64,
    /// The most while silent clients joined.
    pub most: u64,
    /// When all had gone.
    pub after: u64,
}

/// Lets `crowd` connections with 16 players of the longest names each play at `server`, and then
/// `silent` more join, `per_second` of them, that move their players and never read.
///
/// # Errors
/// If they cannot connect.
pub fn run(
    server: SocketAddr,
    process: Observed,
    crowd: usize,
    silent: usize,
    per_second: u32,
) -> anyhow::Result<Memory> {
    let playing = (0..crowd)
        .map(|number| join(server, number, "\u{20000}"))
        .collect::<io::Result<Vec<TcpStream>>>()?;
    let over = Arc::new(AtomicBool::new(false));
    let reader = read_all(&playing, over.clone())?;
    settle();
    let players = process.memory();
    let (start, mut most, mut joined) = (Instant::now(), players, Vec::new());
    for number in 0..silent {
        let due = start + Duration::from_secs(1) / per_second * u32::try_from(number)?;
        #[expect(clippy::disallowed_methods, reason = "it is how fast they come")]
        thread::sleep(due.saturating_duration_since(Instant::now()));
        joined.push(join(server, crowd + number, "x")?);
        most = most.max(process.memory());
    }
    drop(joined);
    over.store(true, Ordering::Relaxed);
    // It ends when it sees that it is over.
    let _ = reader.join();
    drop(playing);
    settle();
    Ok(Memory { players, most, after: process.memory() })
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

/// Reads and forgets what comes to `sockets`, until it is `over`.
fn read_all(
    sockets: &[TcpStream],
    over: Arc<AtomicBool>,
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
        while !over.load(Ordering::Relaxed) {
            for ready in poller.wait(Some(Duration::from_millis(100)))? {
                let index = usize::try_from(ready.token).map_err(io::Error::other)?;
                while let Ok(1..) = sockets[index].read(&mut scratch) {}
            }
        }
        Ok(())
    }))
}

#[expect(clippy::disallowed_methods, reason = "nothing tells when memory has settled")]
fn settle() {
    thread::sleep(SETTLE);
}

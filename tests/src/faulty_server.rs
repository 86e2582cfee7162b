use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How many events a game of a faulty server has before `bye`.
pub const FAULTY_EVENTS: u64 = 250;

/// The interval between events.
const PACE: Duration = Duration::from_millis(4);

/// A fault of a server. Clients are counted from 0, in the order they connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None.
    None,
    /// Drops every hundredth event; of echoes, every tenth.
    Drop,
    /// Sends an event twice to one client; of echoes, one twice.
    Duplicate,
    /// Sends two events in reverse order to one client; swaps the echoes of two clients.
    Swap,
    /// Changes a byte in what one client receives.
    Flip,
    /// Stalls for a second in the middle; of echoes, one takes a second longer.
    Stall,
    /// Accepts this many connections and no more.
    RefuseAfter(usize),
    /// Accepts and sends nothing.
    Silence,
    /// Closes in the middle of a line.
    CloseMidway,
    /// Sends one client a state that differs from what the others receive.
    WrongState,
    /// Sends all clients a turn with the score of a player that is not in the game.
    WrongTurn,
}

/// The client that the fault affects, if it is only one.
const VICTIM: usize = 3;

/// A server with one fault. It ends with the test.
#[derive(Debug)]
pub struct FaultyServer {
    address: SocketAddr,
    max_open: Arc<AtomicUsize>,
}

/// What all connections of a faulty server share.
struct Connections {
    fault: Fault,
    start: Instant,
    open: AtomicUsize,
    max_open: Arc<AtomicUsize>,
    /// A connection and its message, for a swap with the next.
    kept: Mutex<Option<(TcpStream, Vec<u8>)>>,
}

impl FaultyServer {
    /// A game whose server connections.
    ///
    /// # Panics
    /// If the system refuses a port.
    pub fn game(fault: Fault) -> Self {
        Self::serve(fault, Connections::play)
    }

    /// An echo server that connections.
    ///
    /// # Panics
    /// If the system refuses a port.
    pub fn echo(fault: Fault) -> Self {
        Self::serve(fault, Connections::echo)
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The most connections that were open at once.
    pub fn max_open(&self) -> usize {
        self.max_open.load(Ordering::SeqCst)
    }

    fn serve(
        fault: Fault,
        serve_one: fn(&Connections, usize, TcpStream) -> io::Result<()>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let max_open = Arc::<AtomicUsize>::default();
        let connections = Arc::new(Connections {
            fault,
            start: Instant::now(),
            open: AtomicUsize::new(0),
            max_open: max_open.clone(),
            kept: Mutex::new(None),
        });
        thread::spawn(move || {
            for (client, stream) in listener.incoming().flatten().enumerate() {
                let open = connections.open.fetch_add(1, Ordering::SeqCst) + 1;
                connections.max_open.fetch_max(open, Ordering::SeqCst);
                let connections = connections.clone();
                thread::spawn(move || {
                    // It keeps the connection open until it is no longer counted: otherwise the client
                    // could begin the next one before that.
                    let held = stream.try_clone();
                    // A client may leave at any time.
                    let _ = serve_one(&connections, client, stream);
                    connections.open.fetch_sub(1, Ordering::SeqCst);
                    drop(held);
                });
                if fault == Fault::RefuseAfter(client + 1) {
                    return;
                }
            }
        });
        Self { address, max_open }
    }
}

impl Connections {
    fn is_victim(&self, fault: Fault, client: usize) -> bool {
        self.fault == fault && client == VICTIM
    }

    fn play(&self, client: usize, mut stream: TcpStream) -> io::Result<()> {
        if self.fault == Fault::Silence {
            return wait_for_end(&mut stream);
        }
        stream.set_nodelay(true)?;
        let welcome = welcome(client);
        let state = state(self.is_victim(Fault::WrongState, client));
        stream.write_all(format!("{welcome}\n{state}\n").as_bytes())?;
        let mut seqs: Vec<u64> = (1..=FAULTY_EVENTS).collect();
        match self.fault {
            Fault::Drop => seqs.retain(|seq| seq % 100 != 0),
            Fault::Duplicate if client == VICTIM => seqs.insert(50, 50),
            Fault::Swap if client == VICTIM => seqs.swap(60, 61),
            _ => {}
        }
        for seq in seqs {
            let mut line = format!(
                "{{\"type\":\"clock\",\"seq\":{seq},\"ms\":{},\"clock\":{seq}}}\n",
                seq * 4
            )
            .into_bytes();
            if seq == 40 && self.fault == Fault::WrongTurn {
                line = b"{\"type\":\"turn\",\"seq\":40,\"ms\":160,\"turn\":1,\"scores\":[[9,5]]}\n"
                    .to_vec();
            }
            if seq == 70 && self.is_victim(Fault::Flip, client) {
                // In the number of the tick, so that it still looks like an event.
                let at = line.len() - 4;
                line[at] ^= 1;
            }
            if seq == 80 && self.is_victim(Fault::CloseMidway, client) {
                return stream.write_all(&line[..10]);
            }
            if seq == 90 && self.is_victim(Fault::Stall, client) {
                pause(Duration::from_secs(1));
            }
            self.wait_until(seq);
            stream.write_all(&line)?;
        }
        let bye = FAULTY_EVENTS + 1;
        let bye = format!("{{\"type\":\"bye\",\"seq\":{bye},\"ms\":9999,\"reason\":\"done\"}}\n");
        stream.write_all(bye.as_bytes())?;
        wait_for_end(&mut stream)
    }

    fn echo(&self, client: usize, mut stream: TcpStream) -> io::Result<()> {
        let mut message = vec![0; 100];
        let length = stream.read(&mut message)?;
        message.truncate(length);
        if self.fault == Fault::Silence {
            return wait_for_end(&mut stream);
        }
        pause(Duration::from_millis(20));
        match self.fault {
            Fault::Drop if client % 10 == 9 => return Ok(()),
            Fault::Duplicate if client == VICTIM => message.extend(message.clone()),
            Fault::Flip if client == VICTIM => message[20] ^= 1,
            Fault::CloseMidway if client == VICTIM => message.truncate(10),
            Fault::Stall if client == VICTIM => pause(Duration::from_secs(1)),
            Fault::Swap if client == VICTIM || client == VICTIM + 1 => {
                return self.swap(stream, message);
            }
            _ => {}
        }
        stream.write_all(&message)
    }

    /// Sends two clients the echo of each other, when the second connects.
    fn swap(&self, mut stream: TcpStream, message: Vec<u8>) -> io::Result<()> {
        let mut kept = self.kept.lock().expect("no code panics while it holds this lock");
        let Some((mut other, others)) = kept.take() else {
            *kept = Some((stream, message));
            return Ok(());
        };
        stream.write_all(&others)?;
        other.write_all(&message)
    }

    /// Waits until the event `seq` is due: at the same time for all clients, so that they can be compared.
    fn wait_until(&self, seq: u64) {
        let due = self.start + PACE * u32::try_from(seq).unwrap_or(u32::MAX);
        pause(due.saturating_duration_since(Instant::now()));
    }
}

#[expect(clippy::disallowed_methods, reason = "it sets the speed of this server")]
fn pause(time: Duration) {
    thread::sleep(time);
}

fn welcome(client: usize) -> String {
    format!(
        "{{\"type\":\"welcome\",\"protocol\":1,\"game\":\"faulty\",\"server\":\"0\",\"you\":\"tcp#{client}\",\
         \"seq\":0,\"oldest\":1,\"tick_ms\":4}}"
    )
}

/// The state before the first event; with one program too many if it `is_wrong`.
fn state(is_wrong: bool) -> String {
    let workers = if is_wrong { "{\"id\":1,\"label\":\"ps#1\"}" } else { "" };
    format!(
        "{{\"type\":\"state\",\"seq\":0,\"ms\":0,\"clock\":0,\"board\":{{\"width\":1,\"height\":1}},\
         \"players\":[],\"workers\":[{workers}]}}"
    )
}

/// Holds the connection until the client closes.
fn wait_for_end(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

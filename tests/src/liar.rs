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

/// How many events a lying game has, `bye` being one more.
pub const LIAR_EVENTS: u64 = 250;

/// From one event to the next.
const PACE: Duration = Duration::from_millis(4);

/// How a server lies. Members are counted from 0, as they connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Not at all.
    None,
    /// It leaves out every hundredth event; of echoes, every tenth.
    Drop,
    /// To one member it sends an event twice; of echoes, one comes twice.
    Duplicate,
    /// To one member it sends two events the wrong way round; two members get each other's echo.
    Swap,
    /// It changes a byte within what it sends to one member.
    Flip,
    /// It stops for a second in the middle; of echoes, one takes a second longer.
    Stall,
    /// It takes so many connections and no more.
    RefuseAfter(usize),
    /// It accepts and says nothing.
    Silence,
    /// It closes in the middle of a line.
    CloseMidway,
}

/// The member that is lied to, where it is only one.
const VICTIM: usize = 3;

/// A server that does not do what it should. It ends with the test.
#[derive(Debug)]
pub struct Liar {
    address: SocketAddr,
    most_open: Arc<AtomicUsize>,
}

/// What all connections of a liar share.
struct Lies {
    lie: Lie,
    start: Instant,
    open: AtomicUsize,
    most_open: Arc<AtomicUsize>,
    /// A message kept for the next member, to be echoed to it.
    kept: Mutex<Option<(TcpStream, Vec<u8>)>>,
}

impl Liar {
    /// A game whose server lies.
    ///
    /// # Panics
    /// If the system has no port to give.
    pub fn game(lie: Lie) -> Self {
        Self::serve(lie, Lies::play)
    }

    /// An echo server that lies.
    ///
    /// # Panics
    /// If the system has no port to give.
    pub fn echo(lie: Lie) -> Self {
        Self::serve(lie, Lies::echo)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The most connections that were ever open at once.
    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    fn serve(lie: Lie, talk: fn(&Lies, usize, TcpStream) -> io::Result<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it is bound");
        let most_open = Arc::<AtomicUsize>::default();
        let lies = Arc::new(Lies {
            lie,
            start: Instant::now(),
            open: AtomicUsize::new(0),
            most_open: most_open.clone(),
            kept: Mutex::new(None),
        });
        thread::spawn(move || {
            for (member, stream) in listener.incoming().flatten().enumerate() {
                let open = lies.open.fetch_add(1, Ordering::SeqCst) + 1;
                lies.most_open.fetch_max(open, Ordering::SeqCst);
                let lies = lies.clone();
                thread::spawn(move || {
                    // A client that has had enough is none of its business.
                    let _ = talk(&lies, member, stream);
                    lies.open.fetch_sub(1, Ordering::SeqCst);
                });
                if lie == Lie::RefuseAfter(member + 1) {
                    return;
                }
            }
        });
        Self { address, most_open }
    }
}

impl Lies {
    fn is_victim(&self, lie: Lie, member: usize) -> bool {
        self.lie == lie && member == VICTIM
    }

    fn play(&self, member: usize, mut stream: TcpStream) -> io::Result<()> {
        if self.lie == Lie::Silence {
            return wait_for_end(&mut stream);
        }
        stream.set_nodelay(true)?;
        let (welcome, state) = greeting(member);
        stream.write_all(format!("{welcome}\n{state}\n").as_bytes())?;
        let mut seqs: Vec<u64> = (1..=LIAR_EVENTS).collect();
        match self.lie {
            Lie::Drop => seqs.retain(|seq| seq % 100 != 0),
            Lie::Duplicate if member == VICTIM => seqs.insert(50, 50),
            Lie::Swap if member == VICTIM => seqs.swap(60, 61),
            _ => {}
        }
        for seq in seqs {
            let mut line = format!(
                "{{\"type\":\"clock\",\"seq\":{seq},\"ms\":{},\"clock\":{seq}}}\n",
                seq * 4
            )
            .into_bytes();
            if seq == 70 && self.is_victim(Lie::Flip, member) {
                // Of the number of the tick, so that it is still what looks like an event.
                let at = line.len() - 4;
                line[at] ^= 1;
            }
            if seq == 80 && self.is_victim(Lie::CloseMidway, member) {
                return stream.write_all(&line[..10]);
            }
            if seq == 90 && self.is_victim(Lie::Stall, member) {
                pause(Duration::from_secs(1));
            }
            self.wait_until(seq);
            stream.write_all(&line)?;
        }
        let bye = LIAR_EVENTS + 1;
        let bye = format!("{{\"type\":\"bye\",\"seq\":{bye},\"ms\":9999,\"reason\":\"done\"}}\n");
        stream.write_all(bye.as_bytes())?;
        wait_for_end(&mut stream)
    }

    fn echo(&self, member: usize, mut stream: TcpStream) -> io::Result<()> {
        let mut message = vec![0; 100];
        let length = stream.read(&mut message)?;
        message.truncate(length);
        if self.lie == Lie::Silence {
            return wait_for_end(&mut stream);
        }
        pause(Duration::from_millis(20));
        match self.lie {
            Lie::Drop if member % 10 == 9 => return Ok(()),
            Lie::Duplicate if member == VICTIM => message.extend(message.clone()),
            Lie::Flip if member == VICTIM => message[20] ^= 1,
            Lie::CloseMidway if member == VICTIM => message.truncate(10),
            Lie::Stall if member == VICTIM => pause(Duration::from_secs(1)),
            Lie::Swap if member == VICTIM || member == VICTIM + 1 => {
                return self.swap(stream, message);
            }
            _ => {}
        }
        stream.write_all(&message)
    }

    /// Echoes to two members what the other has sent, when the second comes.
    fn swap(&self, mut stream: TcpStream, message: Vec<u8>) -> io::Result<()> {
        let mut kept = self.kept.lock().expect("no test panics here");
        let Some((mut other, others)) = kept.take() else {
            *kept = Some((stream, message));
            return Ok(());
        };
        stream.write_all(&others)?;
        other.write_all(&message)
    }

    /// Waits until the event `seq` is due: for all members at once, so that they can be compared.
    fn wait_until(&self, seq: u64) {
        let due = self.start + PACE * u32::try_from(seq).unwrap_or(u32::MAX);
        pause(due.saturating_duration_since(Instant::now()));
    }
}

#[expect(clippy::disallowed_methods, reason = "it is how fast this server is")]
fn pause(time: Duration) {
    thread::sleep(time);
}

fn greeting(member: usize) -> (String, &'static str) {
    let welcome = format!(
        "{{\"type\":\"welcome\",\"protocol\":1,\"game\":\"liar\",\"server\":\"0\",\"you\":\"tcp#{member}\",\
         \"seq\":0,\"oldest\":1,\"tick_ms\":4}}"
    );
    let state = "{\"type\":\"state\",\"seq\":0,\"ms\":0,\"clock\":0,\"board\":{\"width\":1,\"height\":1},\
                 \"players\":[],\"workers\":[]}";
    (welcome, state)
}

/// Holds the connection until the client closes.
fn wait_for_end(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

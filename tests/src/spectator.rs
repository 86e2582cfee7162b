use std::{
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpStream},
    time::Instant,
};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::Value;

use crate::DEADLINE;

/// A client that knows nothing of the project's code: a socket, lines, and JSON.
#[derive(Debug)]
pub struct Spectator {
    lines: BufReader<TcpStream>,
    /// The first line.
    pub welcome: Value,
    /// The second line.
    pub state: Value,
}

impl Spectator {
    /// Connects to the server at `address` and takes its greeting.
    ///
    /// # Panics
    /// If it is not greeted.
    pub fn join(address: SocketAddr) -> Self {
        Self::try_join(address).expect("a server that greets")
    }

    /// Connects to the server at `address` and takes its greeting, if there is still a server.
    ///
    /// # Panics
    /// If there is, and it does not greet.
    pub fn try_join(address: SocketAddr) -> Option<Self> {
        Self::try_connect(address).ok()?.greeted()
    }

    fn greeted(mut self) -> Option<Self> {
        self.welcome = self.next()?;
        assert_eq!(self.welcome["type"], "welcome");
        self.state = self.next()?;
        assert_eq!(self.state["type"], "state");
        assert_eq!(self.state["seq"], self.welcome["seq"]);
        Some(self)
    }

    /// Connects to the server at `address`, and takes nothing.
    ///
    /// # Panics
    /// If there is none.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the server listens")
    }

    /// Connects to the server at `address` from the address `source` of this machine, and takes its
    /// greeting.
    ///
    /// # Panics
    /// If it is not greeted.
    pub fn join_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddr::new(source, 0)).expect("an address of this machine");
        connect(&socket, &address).expect("the server listens");
        Self::over(socket.into()).ok().and_then(Self::greeted).expect("a server that greets")
    }

    fn try_connect(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self { lines: BufReader::new(stream), welcome: Value::Null, state: Value::Null })
    }

    /// The last event that the state includes.
    ///
    /// # Panics
    /// If there is no state.
    pub fn start(&self) -> u64 {
        seq(&self.state).expect("a state has a seq")
    }

    /// The next line; `None` at the end of the stream.
    ///
    /// # Panics
    /// If it does not come in time, or is not JSON.
    #[expect(clippy::should_implement_trait, reason = "that it may panic is what this is for")]
    pub fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => {
                assert!(line.ends_with('\n'), "the stream ends within a line: {line:?}");
                Some(
                    serde_json::from_str(&line)
                        .unwrap_or_else(|error| panic!("{error} in {line:?}")),
                )
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("nothing came in time: {error}"),
        }
    }

    /// All lines up to the first that `wanted` is true of, and it.
    ///
    /// # Panics
    /// If it does not come in time.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut lines = Vec::new();
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < DEADLINE, "that line did not come in time");
            let line = self
                .next()
                .unwrap_or_else(|| panic!("the stream ended before that line came: {lines:?}"));
            let found = wanted(&line);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// The first line that `wanted` is true of.
    ///
    /// # Panics
    /// If it does not come in time.
    pub fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(wanted).pop().expect("at least that one")
    }

    /// All lines to the end of the stream.
    ///
    /// # Panics
    /// If it does not end in time.
    pub fn rest(&mut self) -> Vec<Value> {
        let start = Instant::now();
        let mut lines = Vec::new();
        while let Some(line) = self.next() {
            assert!(start.elapsed() < DEADLINE, "the stream did not end in time");
            lines.push(line);
        }
        lines
    }

    /// Sends `bytes`.
    ///
    /// # Panics
    /// If the server has closed.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.lines.get_mut().write_all(bytes.as_ref()).expect("the server listens");
    }

    /// Says that nothing more will be sent.
    ///
    /// # Panics
    /// If the server has closed.
    pub fn half_close(&self) {
        self.lines.get_ref().shutdown(Shutdown::Write).expect("the server is there");
    }

    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        self.lines.get_ref()
    }
}

/// The place of `line` in the stream, if it has one.
pub fn seq(line: &Value) -> Option<u64> {
    line["seq"].as_u64()
}

/// Checks that the events among `lines` are those after the event `after`, each once and in
/// order.
///
/// # Panics
/// If they are not.
pub fn assert_contiguous(after: u64, lines: &[Value]) {
    let events = lines.iter().filter(|line| line["ms"].is_u64() && line["type"] != "state");
    for (want, line) in (after + 1..).zip(events) {
        assert_eq!(seq(line), Some(want), "{line} after event {}", want - 1);
    }
}

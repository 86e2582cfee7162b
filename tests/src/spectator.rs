use std::{
    io::{self, BufRead, BufReader, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpStream},
    time::Instant,
};

use memchr::memmem;
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use serde_json::Value;

use crate::DEADLINE;

/// A client that uses none of the project's code: a socket, lines, and JSON.
#[derive(Debug)]
pub struct Spectator {
    lines: BufReader<TcpStream>,
    /// The first line.
    pub welcome: Value,
    /// The second line.
    pub state: Value,
}

impl Spectator {
    /// Connects to the server at `address` and reads its greeting.
    ///
    /// # Panics
    /// If either fails.
    pub fn join(address: SocketAddr) -> Self {
        Self::try_join(address).expect("a greeting")
    }

    /// Connects to the server at `address` and reads its greeting; `None` if the server does not
    /// listen any more or closes the connection.
    ///
    /// # Panics
    /// If something else is received.
    pub fn try_join(address: SocketAddr) -> Option<Self> {
        Self::try_connect(address).ok()?.read_greeting()
    }

    fn read_greeting(mut self) -> Option<Self> {
        self.welcome = self.next()?;
        assert_eq!(self.welcome["type"], "welcome");
        self.state = self.next()?;
        assert_eq!(self.state["type"], "state");
        assert_eq!(self.state["seq"], self.welcome["seq"]);
        Some(self)
    }

    /// Connects to the server at `address` without reading anything.
    ///
    /// # Panics
    /// If that fails.
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the server listens")
    }

    /// Connects to the server at `address` from the address `source` of this machine, and reads its
    /// greeting.
    ///
    /// # Panics
    /// If either fails.
    pub fn join_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&socket, &SocketAddr::new(source, 0)).expect("an address of this machine");
        connect(&socket, &address).expect("the server listens");
        Self::over(socket.into()).ok().and_then(Self::read_greeting).expect("a greeting")
    }

    fn try_connect(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// Reads the greeting that comes next on `lines`; `None` if the server closes the connection.
    pub(crate) fn greeted_over(lines: BufReader<TcpStream>) -> Option<Self> {
        Self { lines, welcome: Value::Null, state: Value::Null }.read_greeting()
    }

    fn over(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(DEADLINE))?;
        Ok(Self { lines: BufReader::new(stream), welcome: Value::Null, state: Value::Null })
    }

    /// The `seq` of the last event that the state includes.
    ///
    /// # Panics
    /// If it has not read the greeting.
    pub fn start(&self) -> u64 {
        seq(&self.state).expect("a state has a seq")
    }

    /// The next line; `None` at the end of the stream.
    ///
    /// # Panics
    /// If none comes before the deadline, or it is not JSON.
    #[expect(clippy::should_implement_trait, reason = "an iterator should not panic")]
    pub fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => {
                assert!(line.ends_with('\n'), "the stream ends in the middle of a line: {line:?}");
                Some(
                    serde_json::from_str(&line)
                        .unwrap_or_else(|error| panic!("{error} in {line:?}")),
                )
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line before the deadline: {error}"),
        }
    }

    /// All lines up to and including the first that contains `marker`. They are parsed only when all have
    /// come, so that a test that gets a lot reads as fast as the system allows.
    ///
    /// # Panics
    /// If that line does not come before the deadline, or one of them is not JSON.
    pub fn until_bytes(&mut self, marker: &str) -> Vec<Value> {
        let (mut bytes, mut last) = (Vec::new(), 0);
        let start = Instant::now();
        while memmem::find(&bytes[last..], marker.as_bytes()).is_none() {
            assert!(start.elapsed() < DEADLINE, "the line did not come before the deadline");
            last = bytes.len();
            let length =
                self.lines.read_until(b'\n', &mut bytes).expect("a line before the deadline");
            assert!(length > 0, "the stream ended before the line came");
        }
        serde_json::Deserializer::from_slice(&bytes)
            .into_iter()
            .collect::<Result<_, _>>()
            .expect("JSON")
    }

    /// All lines up to and including the first for which `wanted` is true.
    ///
    /// # Panics
    /// If it does not come before the deadline.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut lines = Vec::new();
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < DEADLINE, "the line did not come before the deadline");
            let line = self
                .next()
                .unwrap_or_else(|| panic!("the stream ended before the line came: {lines:?}"));
            let found = wanted(&line);
            lines.push(line);
            if found {
                return lines;
            }
        }
    }

    /// The first line for which `wanted` is true.
    ///
    /// # Panics
    /// If it does not come before the deadline.
    pub fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(wanted).pop().expect("it includes the line itself")
    }

    /// All lines to the end of the stream.
    ///
    /// # Panics
    /// If it does not end before the deadline.
    pub fn rest(&mut self) -> Vec<Value> {
        let start = Instant::now();
        let mut lines = Vec::new();
        while let Some(line) = self.next() {
            assert!(start.elapsed() < DEADLINE, "the stream did not end before the deadline");
            lines.push(line);
        }
        lines
    }

    /// Sends `bytes`.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.lines.get_mut().write_all(bytes.as_ref()).expect("the connection is open");
    }

    /// Closes the sending side of the connection.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn half_close(&self) {
        self.lines.get_ref().shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        self.lines.get_ref()
    }
}

/// The `seq` of `line`, if it has one.
pub fn seq(line: &Value) -> Option<u64> {
    line["seq"].as_u64()
}

/// Checks that the events among `lines` are those after the event `after`, each exactly once and in
/// order.
///
/// # Panics
/// If an event is missing, repeated, or out of order.
pub fn assert_contiguous(after: u64, lines: &[Value]) {
    let events = lines.iter().filter(|line| line["ms"].is_u64() && line["type"] != "state");
    for (want, line) in (after + 1..).zip(events) {
        assert_eq!(seq(line), Some(want), "{line} after event {}", want - 1);
    }
}

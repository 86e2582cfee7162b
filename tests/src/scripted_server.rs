use std::{
    io::{self, BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
};

use crate::{DEADLINE, eventually};

/// A server whose lines a test writes.
#[derive(Debug)]
pub struct ScriptedServer {
    listener: TcpListener,
}

/// A client of a [`ScriptedServer`].
#[derive(Debug)]
pub struct ScriptedClient {
    lines: BufReader<TcpStream>,
}

impl ScriptedServer {
    /// Listens on a port that the system chooses.
    ///
    /// # Panics
    /// If the system refuses one.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        listener.set_nonblocking(true).expect("it is a socket");
        Self { listener }
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("it is bound")
    }

    /// Waits for the next client. It is `tcp#7` in a game with these `rules` and turns, where the player 3,
    /// `eve`, is the only one, and the next event is 1.
    ///
    /// # Panics
    /// If none connects before the deadline.
    pub fn accept(&self, rules: &str) -> ScriptedClient {
        let stream = eventually("a client connects", || self.listener.accept().ok()).0;
        stream.set_nonblocking(false).expect("it is a socket");
        stream.set_read_timeout(Some(DEADLINE)).expect("the time is not zero");
        let mut client = ScriptedClient { lines: BufReader::new(stream) };
        client.send(&format!(
            r#"{{"type":"welcome","protocol":1,"game":"scripted","server":"0","rules":"{rules}","you":"tcp#7","seq":0,"oldest":1,"tick_ms":1000}}"#
        ));
        client.send(
            r#"{"type":"state","seq":0,"ms":0,"clock":0,"turn":0,"board":{"width":8,"height":8},"players":[{"id":3,"name":"eve","from":"ps#1","x":0,"y":0,"moves":1,"score":0,"alive":true}],"workers":[]}"#,
        );
        client
    }
}

impl ScriptedClient {
    /// Sends `line`.
    ///
    /// # Panics
    /// If the client has closed the connection.
    pub fn send(&mut self, line: &str) {
        let stream = self.lines.get_mut();
        stream.write_all(format!("{line}\n").as_bytes()).expect("the client reads");
    }

    /// The next line of the client; `None` if it has closed the connection.
    ///
    /// # Panics
    /// If neither comes before the deadline.
    pub fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.lines.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line before the deadline: {error}"),
        }
    }
}

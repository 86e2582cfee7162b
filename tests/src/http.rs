use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
};

use crate::{DEADLINE, Spectator};

/// A connection to the port for browsers, which uses none of the project's code.
#[derive(Debug)]
pub struct HttpConnection {
    reader: BufReader<TcpStream>,
    address: SocketAddr,
}

/// A response.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// Its status.
    pub status: u16,
    /// Its headers. The names are in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body; empty if it has no length.
    pub body: String,
}

/// A page in a browser: a stream, and posts to it.
#[derive(Debug)]
pub struct WebClient {
    /// The stream.
    pub stream: Spectator,
    /// The key for posts.
    pub key: String,
    address: SocketAddr,
}

impl HttpConnection {
    /// Connects to `address`.
    ///
    /// # Panics
    /// If that fails.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("the timeout is not 0");
        Self { reader: BufReader::new(stream), address }
    }

    /// Sends `bytes`, and returns whether the connection took them.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.reader.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// Sends a request with the right `Host`, and further `headers`.
    pub fn request(&mut self, method: &str, target: &str, headers: &[&str], body: &str) -> bool {
        let headers: Vec<String> = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let headers = headers.concat();
        let (host, length) = (self.address, body.len());
        self.send(format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        ))
    }

    /// Sends a request and returns the response.
    ///
    /// # Panics
    /// If none comes.
    pub fn exchange(
        &mut self,
        method: &str,
        target: &str,
        headers: &[&str],
        body: &str,
    ) -> HttpResponse {
        self.request(method, target, headers, body);
        self.response().expect("a response")
    }

    /// The next response; `None` if the server closes before it has come.
    ///
    /// # Panics
    /// If it does not come before the deadline.
    pub fn response(&mut self) -> Option<HttpResponse> {
        let mut response = self.head()?;
        let length =
            response.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).ok()?;
        response.body = String::from_utf8(body).expect("text");
        Some(response)
    }

    /// Whether the server closes the connection before it sends anything else.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.reader.fill_buf(), Ok([])) || self.is_reset()
    }

    fn is_reset(&mut self) -> bool {
        self.reader.fill_buf().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
    }

    fn head(&mut self) -> Option<HttpResponse> {
        let status = self.line()?.split(' ').nth(1)?.parse().expect("a status");
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(HttpResponse { status, headers, body: String::new() })
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no line before the deadline: {error}"),
        }
    }
}

impl HttpResponse {
    /// The value of the header `name`, which is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }
}

impl WebClient {
    /// Requests the stream from the server at `address`, with `query`, which is empty or begins with `?`.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn join(address: SocketAddr, query: &str) -> Self {
        Self::try_join(address, query).expect("the stream")
    }

    /// The same, but returns the response if the server refuses.
    ///
    /// # Errors
    /// The response.
    ///
    /// # Panics
    /// If there is no response.
    pub fn try_join(address: SocketAddr, query: &str) -> Result<Self, HttpResponse> {
        let mut connection = HttpConnection::open(address);
        connection.send(format!("GET /stream{query} HTTP/1.1\r\nHost: {address}\r\n\r\n"));
        let mut head = connection.head().expect("a response");
        if head.status != 200 {
            connection.reader.read_to_string(&mut head.body).expect("the rest");
            return Err(head);
        }
        assert_eq!(head.header("content-type"), Some("application/x-ndjson"));
        let key = head.header("tribune-key").expect("a key").to_owned();
        let stream = Spectator::greeted_over(connection.reader).expect("a greeting");
        Ok(Self { stream, key, address })
    }

    /// Posts `lines` on a connection of their own, and returns the status of the response.
    ///
    /// # Panics
    /// If none comes.
    pub fn act(&self, lines: &str) -> u16 {
        let key = format!("Tribune-Key: {}", self.key);
        HttpConnection::open(self.address).exchange("POST", "/act", &[&key], lines).status
    }
}

use std::time::Duration;

use tokio::{
    io::{AsyncWriteExt, DuplexStream, ReadHalf, Sink, WriteHalf, sink, split},
    task::yield_now,
    time::timeout,
};
use tribune_protocol::{ClosingCode, Connection, ControlMessage, ServerLine};

/// Nothing takes so long.
const DEADLINE: Duration = Duration::from_secs(60);

type Lines = Connection<ReadHalf<DuplexStream>, Sink>;

/// A client at the other end of a pipe.
pub struct Client {
    lines: Lines,
    output: WriteHalf<DuplexStream>,
}

impl Client {
    pub fn new(stream: DuplexStream) -> Self {
        let (input, output) = split(stream);
        Self { lines: Connection::new(input, sink()), output }
    }

    /// The next line; `None` when the server has closed.
    pub async fn next_line(&mut self) -> Option<ServerLine> {
        next_line(&mut self.lines).await
    }

    /// Whether the server closes before the end of another line.
    pub async fn is_closed_before_the_next_line(&mut self) -> bool {
        let line = timeout(DEADLINE, self.lines.next_line()).await;
        !matches!(line.expect("a line comes in time, or the end"), Ok(Some(_)))
    }

    /// All lines up to the end.
    pub async fn rest(&mut self) -> Vec<ServerLine> {
        self.exchange(b"", 1, |_| false).await
    }

    /// Reads `welcome` and `state`, and returns the name of this client.
    pub async fn join(&mut self) -> String {
        let Some(ServerLine::Control(ControlMessage::Welcome(welcome))) = self.next_line().await
        else {
            panic!("no welcome")
        };
        let state = self.next_line().await;
        assert!(matches!(state, Some(ServerLine::Control(ControlMessage::State(_)))), "{state:?}");
        welcome.you.to_string()
    }

    /// Sends `bytes`, at most `chunk` at a time, and meanwhile reads lines up to the first that
    /// `is_last`, or to the end.
    pub async fn exchange(
        &mut self,
        bytes: &[u8],
        chunk: usize,
        is_last: impl Fn(&ServerLine) -> bool,
    ) -> Vec<ServerLine> {
        let Self { lines, output } = self;
        let send = async {
            for piece in bytes.chunks(chunk) {
                // A server that has closed does not take the rest.
                let _ = output.write_all(piece).await;
                yield_now().await;
            }
        };
        let receive = async {
            let mut received = Vec::new();
            while let Some(line) = next_line(lines).await {
                received.push(line);
                if received.last().is_some_and(&is_last) {
                    break;
                }
            }
            received
        };
        tokio::join!(send, receive).1
    }

    /// Sends `bytes`, and reads nothing.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.output.write_all(bytes).await.unwrap();
    }

    /// Closes the sending side.
    pub async fn half_close(&mut self) {
        self.output.shutdown().await.unwrap();
    }
}

async fn next_line(lines: &mut Lines) -> Option<ServerLine> {
    let line = timeout(DEADLINE, lines.next_line()).await.expect("a line comes in time");
    line.unwrap().map(|line| ServerLine::parse(&line).unwrap())
}

/// The code of `closing`, if `line` is that.
pub fn closing_code(line: &ServerLine) -> Option<ClosingCode> {
    match line {
        ServerLine::Control(ControlMessage::Closing { code, .. }) => Some(*code),
        _ => None,
    }
}

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncWriteExt, Sink, sink},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};
use tribune_protocol::{
    ClosingCode, Connection, ControlMessage, Event, EventKind, ServerLine, State, Welcome,
};

/// Nothing takes so long.
const DEADLINE: Duration = Duration::from_secs(60);

/// A client that has joined. Its events are checked to have no gap.
pub struct Client {
    pub welcome: Welcome,
    pub state: State,
    lines: Connection<OwnedReadHalf, Sink>,
    output: OwnedWriteHalf,
    last_seq: u64,
}

impl Client {
    /// Joins the server at `address`.
    pub async fn join(address: SocketAddr) -> Self {
        Self::try_join(TcpStream::connect(address).await.unwrap()).await.expect("it is let in")
    }

    /// Joins with a socket that holds little until it is read.
    pub async fn join_with_small_buffer(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::try_join(socket.connect(address).await.unwrap()).await.expect("it is let in")
    }

    /// Joins, as soon as there is room.
    pub async fn join_eventually(address: SocketAddr) -> Self {
        let join = async {
            loop {
                let stream = TcpStream::connect(address).await.unwrap();
                if let Ok(client) = Self::try_join(stream).await {
                    return client;
                }
            }
        };
        timeout(DEADLINE, join).await.expect("there is room in time")
    }

    /// Connects, and returns the code with which the server refuses that.
    pub async fn refused(address: SocketAddr) -> ClosingCode {
        let stream = TcpStream::connect(address).await.unwrap();
        match Self::try_join(stream).await {
            Err(code) => code.expect("a reason is given"),
            Ok(client) => panic!("it joined as {}", client.welcome.you),
        }
    }

    /// Joins over `stream`, or returns the code with which the server closes it, if any.
    async fn try_join(stream: TcpStream) -> Result<Self, Option<ClosingCode>> {
        let (input, output) = stream.into_split();
        let mut lines = Connection::new(input, sink());
        let welcome = match next_line(&mut lines).await {
            Some(ServerLine::Control(ControlMessage::Welcome(welcome))) => welcome,
            Some(ServerLine::Control(ControlMessage::Closing { code, .. })) => {
                return Err(Some(code));
            }
            None => return Err(None),
            other => panic!("{other:?}"),
        };
        let Some(ServerLine::Control(ControlMessage::State(state))) = next_line(&mut lines).await
        else {
            panic!("no state")
        };
        let last_seq = state.seq.0;
        Ok(Self { welcome, state, lines, output, last_seq })
    }

    /// Sends `text`.
    pub async fn send(&mut self, text: &str) {
        self.output.write_all(text.as_bytes()).await.unwrap();
    }

    /// Closes the sending side.
    pub async fn half_close(&mut self) {
        self.output.shutdown().await.unwrap();
    }

    /// The next line; `None` when the server has closed.
    pub async fn next_line(&mut self) -> Option<ServerLine> {
        let line = next_line(&mut self.lines).await?;
        if let ServerLine::Event(event) = &line {
            assert_eq!(event.seq.0, self.last_seq + 1, "a gap");
            self.last_seq = event.seq.0;
        }
        Some(line)
    }

    /// All lines up to the end.
    pub async fn rest(&mut self) -> Vec<ServerLine> {
        let mut lines = Vec::new();
        while let Some(line) = self.next_line().await {
            lines.push(line);
        }
        lines
    }

    /// The events up to the first that `is_last`.
    pub async fn events_until(&mut self, is_last: impl Fn(&EventKind) -> bool) -> Vec<EventKind> {
        let mut events = Vec::new();
        while !events.last().is_some_and(&is_last) {
            let line = self.next_line().await.expect("the server closed");
            if let ServerLine::Event(Event { kind, .. }) = line {
                events.push(kind);
            }
        }
        events
    }

    /// The next `count` moves, as `tcp#1 N ann` with the cell that each leads to.
    pub async fn moves(&mut self, count: usize) -> Vec<(String, u16, u16)> {
        let mut moves = Vec::new();
        while moves.len() < count {
            let events = self.events_until(|kind| matches!(kind, EventKind::Move { .. })).await;
            if let Some(EventKind::Move { name, from, direction, x, y, .. }) = events.last() {
                moves.push((format!("{from} {direction} {name}"), *x, *y));
            }
        }
        moves
    }

    /// The code of the next error.
    pub async fn wait_for_error(&mut self) -> String {
        loop {
            if let ServerLine::Control(ControlMessage::Error { code, .. }) =
                self.next_line().await.expect("the server closed")
            {
                return code.to_string();
            }
        }
    }

    /// The code with which the server closes.
    pub async fn closing_code(&mut self) -> Option<ClosingCode> {
        match self.rest().await.pop()? {
            ServerLine::Control(ControlMessage::Closing { code, .. }) => Some(code),
            _ => None,
        }
    }
}

async fn next_line(lines: &mut Connection<OwnedReadHalf, Sink>) -> Option<ServerLine> {
    let line = timeout(DEADLINE, lines.next_line()).await.expect("a line comes in time");
    line.unwrap().map(|line| ServerLine::parse(&line).unwrap())
}

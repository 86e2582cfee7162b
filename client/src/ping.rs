//! Asking a server, of a game or of echoes, whether it is there.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use thiserror::Error;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tribune_cli::failure;
use tribune_protocol::{
    ControlMessage, GameId, PingId, Request, ServerLine, check_first_line, exchange_echo,
    text::printable,
};

use crate::stream::{StreamError, connect};

/// What an echo server is to send back.
const ECHO: &[u8] = b"ping";

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The server of a game.
    Game,
    /// An echo server.
    Echo,
}

/// What a server answered.
struct Pong {
    /// Which game it has, if it has one.
    game: Option<GameId>,
    took: Duration,
}

#[derive(Debug, Error)]
enum PingError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("it closed the connection: {0}")]
    Closing(String),
    #[error("it closed the connection without an answer")]
    Closed,
    #[error("{0}")]
    NotTheSame(String),
}

/// Says in its exit code whether `peer` at `server` answers within `limit`.
pub async fn ping(peer: Peer, server: &str, limit: Duration) -> ExitCode {
    let asked = async {
        match peer {
            Peer::Game => ask_game(server, limit).await,
            Peer::Echo => ask_echo(server, limit).await,
        }
    };
    match timeout(limit, asked).await {
        Ok(Ok(Pong { game, took })) => {
            let took = took.as_secs_f64() * 1e3;
            let told = match game {
                Some(game) => format!("pong from {server} in {took:.3} ms (game {game})"),
                None => format!("echo from {server} in {took:.3} ms"),
            };
            // The exit code says it too, should nobody read this.
            let _ = writeln!(io::stdout(), "{}", printable(&told));
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => failure(format_args!("no answer from {server}: {error}")),
        Err(_) => failure(format_args!(
            "no answer from {server} within {}",
            humantime::format_duration(limit)
        )),
    }
}

async fn ask_game(server: &str, limit: Duration) -> Result<Pong, PingError> {
    let mut connection = connect(server, limit).await?;
    let mut game = None;
    let id = PingId::from(1);
    let start = Instant::now();
    connection.send(&Request::Ping { id: id.clone() }).await.map_err(StreamError::from)?;
    while let Some(line) = connection.next_line().await.map_err(StreamError::from)? {
        if game.is_none() {
            check_first_line(&line).map_err(StreamError::from)?;
        }
        match ServerLine::parse(&line).map_err(StreamError::from)? {
            ServerLine::Control(ControlMessage::Welcome(welcome)) => game = Some(welcome.game),
            ServerLine::Control(ControlMessage::Closing { message, .. }) => {
                return Err(PingError::Closing(message));
            }
            ServerLine::Control(ControlMessage::Pong { id: answered })
                if answered == id && game.is_some() =>
            {
                return Ok(Pong { game, took: start.elapsed() });
            }
            _ => {}
        }
    }
    Err(PingError::Closed)
}

async fn ask_echo(server: &str, limit: Duration) -> Result<Pong, PingError> {
    let no_server = |reason| StreamError::NoServer { server: server.to_owned(), reason };
    let mut stream = TcpStream::connect(server).await.map_err(no_server)?;
    let start = Instant::now();
    // `ping` gives up sooner.
    let deadline = start + 2 * limit;
    let reply = exchange_echo(&mut stream, ECHO, deadline).await;
    let answered = reply.check(ECHO).map_err(PingError::NotTheSame)?;
    Ok(Pong { game: None, took: answered - start })
}

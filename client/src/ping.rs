//! Checks whether a game or echo server replies.

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
use tribune_cli::{failure, format_milliseconds};
use tribune_protocol::{
    ControlMessage, GameId, PingId, Request, ServerLine, check_first_line, exchange_echo,
    text::printable,
};

use crate::stream::{StreamError, connect};

/// The message for an echo server.
const ECHO: &[u8] = b"ping";

/// The kind of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A game server.
    Game,
    /// An echo server.
    Echo,
}

/// The reply of a server.
struct Pong {
    /// Its game, if it is a game server.
    game: Option<GameId>,
    took: Duration,
}

#[derive(Debug, Error)]
enum PingError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("it closed the connection: {0}")]
    Closing(String),
    #[error("it closed the connection without a reply")]
    Closed,
    #[error("{0}")]
    WrongEcho(String),
}

/// Checks whether the server at `server`, of the kind `peer`, replies within `limit`. Returns the exit
/// code.
pub async fn ping(peer: Peer, server: &str, limit: Duration) -> ExitCode {
    let reply = async {
        match peer {
            Peer::Game => ping_game(server, limit).await,
            Peer::Echo => ping_echo(server, limit).await,
        }
    };
    match timeout(limit, reply).await {
        Ok(Ok(Pong { game, took })) => {
            let took = format_milliseconds(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            let message = match game {
                Some(game) => format!("pong from {server} in {took} (game {game})"),
                None => format!("echo from {server} in {took}"),
            };
            // If standard output is closed, the exit code still tells.
            let _ = writeln!(io::stdout(), "{}", printable(&message));
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => failure(format_args!("no reply from {server}: {error}")),
        Err(_) => failure(format_args!(
            "no reply from {server} within {}",
            humantime::format_duration(limit)
        )),
    }
}

async fn ping_game(server: &str, limit: Duration) -> Result<Pong, PingError> {
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
            ServerLine::Control(ControlMessage::Pong { id: replied })
                if replied == id && game.is_some() =>
            {
                return Ok(Pong { game, took: start.elapsed() });
            }
            _ => {}
        }
    }
    Err(PingError::Closed)
}

async fn ping_echo(server: &str, limit: Duration) -> Result<Pong, PingError> {
    let no_server = |reason| StreamError::NoServer { server: server.to_owned(), reason };
    let mut stream = TcpStream::connect(server).await.map_err(no_server)?;
    let start = Instant::now();
    // `ping` times out earlier.
    let deadline = start + 2 * limit;
    let reply = exchange_echo(&mut stream, ECHO, deadline).await;
    let completed_at = reply.check(ECHO).map_err(PingError::WrongEcho)?;
    Ok(Pong { game: None, took: completed_at - start })
}

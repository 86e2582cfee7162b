//! Asking a server whether it is there.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use thiserror::Error;
use tokio::time::timeout;
use tribune_cli::failure;
use tribune_protocol::{GameId, Notice, PingId, Request, ServerLine};

use crate::stream::{StreamError, connect};

/// What a server answered.
struct Pong {
    game: GameId,
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
}

/// Says in its exit code whether the server at `server` answers within `limit`.
pub async fn ping(server: &str, limit: Duration) -> ExitCode {
    match timeout(limit, exchange(server, limit)).await {
        Ok(Ok(Pong { game, took })) => {
            // The exit code says it too, should nobody read this.
            let _ = writeln!(
                io::stdout(),
                "pong from {server} in {:.3} ms (game {game})",
                took.as_secs_f64() * 1e3
            );
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => failure(format_args!("no answer from {server}: {error}")),
        Err(_) => failure(format_args!(
            "no answer from {server} within {}",
            humantime::format_duration(limit)
        )),
    }
}

async fn exchange(server: &str, limit: Duration) -> Result<Pong, PingError> {
    let mut connection = connect(server, limit).await?;
    let mut game = None;
    let id = PingId::from(1);
    let start = Instant::now();
    connection.send(&Request::Ping { id: id.clone() }).await.map_err(StreamError::from)?;
    while let Some(line) = connection.next_line().await.map_err(StreamError::from)? {
        match ServerLine::parse(&line).map_err(StreamError::from)? {
            ServerLine::Notice(Notice::Welcome(welcome)) => game = Some(welcome.game),
            ServerLine::Notice(Notice::Closing { message, .. }) => {
                return Err(PingError::Closing(message));
            }
            ServerLine::Notice(Notice::Pong { id: answered }) if answered == id => {
                if let Some(game) = game {
                    return Ok(Pong { game, took: start.elapsed() });
                }
            }
            _ => {}
        }
    }
    Err(PingError::Closed)
}

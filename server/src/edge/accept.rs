use std::{io, net::SocketAddr, time::Duration};

use futures_util::FutureExt;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::descriptors::is_out_of_descriptors;

/// The most connections that are accepted together.
const BATCH: usize = 64;

/// How long to wait when the system has no descriptor for a connection; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// A connection as it was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub stream: TcpStream,
    /// Where it comes from. It is kept, because the system forgets it when the peer resets the
    /// connection.
    pub peer: SocketAddr,
}

impl From<(TcpStream, SocketAddr)> for Accepted {
    fn from((stream, peer): (TcpStream, SocketAddr)) -> Self {
        Self { stream, peer }
    }
}

/// Waits for the next connection of `listener`. When the system has no descriptor for it,
/// `free_descriptor` is called to close something, and returns whether it did.
pub async fn accept<F: Future<Output = bool>>(
    listener: &TcpListener,
    free_descriptor: impl Fn() -> F,
) -> Accepted {
    let mut pause = FIRST_PAUSE;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted.into(),
            // The peer closed the connection before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if pause == FIRST_PAUSE {
                    tracing::warn!(%error, "cannot accept a connection, trying again");
                }
                if !is_out_of_descriptors(&error) || !free_descriptor().await {
                    sleep(pause).await;
                }
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
}

/// Waits for the next connection of `listener`, as [`accept`] does, and takes the others that are
/// queued too.
pub async fn accept_batch<F: Future<Output = bool>>(
    listener: &TcpListener,
    free_descriptor: impl Fn() -> F,
) -> Vec<Accepted> {
    let first = accept(listener, free_descriptor).await;
    // An error ends the batch, and comes again with the next.
    let queued = std::iter::from_fn(|| Some(listener.accept().now_or_never()?.ok()?.into()));
    std::iter::once(first).chain(queued).take(BATCH).collect()
}

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::Semaphore,
    time::timeout,
};

/// How long a connection that is being closed is still listened to, so that what was sent to it
/// arrives: closing with input unread would destroy it.
pub const LINGER: Duration = Duration::from_secs(1);

/// How many connections that are refused or dismissed may be listened to at once. The others are just
/// closed: these have no place among the clients, and their descriptors are among those that the
/// server keeps for itself.
const FAREWELLS: usize = 40;

/// Permits to listen to a connection that is refused or dismissed.
#[derive(Clone, Debug)]
pub struct Farewells(pub(super) Arc<Semaphore>);

impl Default for Farewells {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FAREWELLS)))
    }
}

/// Reads and forgets until the peer closes, or for `limit`.
pub async fn linger(mut input: impl AsyncRead + Unpin, limit: Duration) {
    let discard = async {
        // Not in the future itself, which every connection has whether it comes to this or not.
        let mut scratch = vec![0; 1024];
        while let Ok(1..) = input.read(&mut scratch).await {}
    };
    // Whoever has not closed by then is closed.
    let _ = timeout(limit, discard).await;
}

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long to read on from a connection that is being closed, so that what was sent to it arrives:
/// closing a socket with unread input resets the connection, which discards data in flight.
pub const LINGER: Duration = Duration::from_secs(1);

/// The most connections that linger after they were refused or dismissed; others are closed at once.
/// They are not counted as clients, and use descriptors that the server reserves for itself.
const MAX_LINGERING: usize = 40;

/// Permits to linger for connections that were refused or dismissed. Clones share the
/// permits.
#[derive(Clone, Debug)]
pub struct LingerPermits(Arc<Semaphore>);

impl Default for LingerPermits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_LINGERING)))
    }
}

impl LingerPermits {
    /// Takes a permit, if one is left. It is given back when it is dropped.
    pub fn try_acquire(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }
}

/// Reads and discards until the peer closes, or for `limit`.
pub async fn linger(mut input: impl AsyncRead + Unpin, limit: Duration) {
    let discard = async {
        // On the heap: within the future it would take memory in every session, most of which never
        // linger.
        let mut scratch = vec![0; 1024];
        while let Ok(1..) = input.read(&mut scratch).await {}
    };
    // If the peer has not closed by then, the connection is aborted.
    let _ = timeout(limit, discard).await;
}

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

/// How long a connection that is being closed is still listened to, so that what was sent to it
/// arrives: closing with input unread would destroy it.
pub const LINGER: Duration = Duration::from_secs(5);

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

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::stages::{Admitted, Identified};
use crate::feed::Broadcast;

/// How often, and after which pauses, a connection is tried again before it is refused: that a
/// client has gone is often noticed only after the next has connected.
const RETRIES: usize = 3;
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The most clients at a time. Clones share the permits.
#[derive(Clone, Debug)]
pub struct ClientLimit {
    permits: Arc<Semaphore>,
    broadcast: Broadcast,
}

impl ClientLimit {
    /// At most `max` clients of `broadcast`.
    pub fn new(max: usize, broadcast: Broadcast) -> Self {
        Self { permits: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))), broadcast }
    }

    /// Admits `client`, evicting a half-closed client if there are too many.
    ///
    /// # Errors
    /// Returns `client` if there are too many clients and none of them is half-closed.
    pub async fn admit<S>(&self, client: Identified<S>) -> Result<Admitted<S>, Identified<S>> {
        match self.acquire().await {
            Some(permit) => Ok(client.admit(permit)),
            None => Err(client),
        }
    }

    /// Tries to admit `client`, which was not admitted, a few times more.
    ///
    /// # Errors
    /// As for [`admit`](Self::admit).
    pub async fn retry<S>(&self, mut client: Identified<S>) -> Result<Admitted<S>, Identified<S>> {
        for _ in 0..RETRIES {
            sleep(RETRY_PAUSE).await;
            match self.admit(client).await {
                Ok(admitted) => return Ok(admitted),
                Err(back) => client = back,
            }
        }
        Err(client)
    }

    /// Closes a client that has closed its sending side, and says whether there was one.
    pub async fn evict_half_closed(&self) -> bool {
        self.broadcast.evict_half_closed().await
    }

    async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Some(permit);
        }
        if self.evict_half_closed().await {
            return self.permits.clone().try_acquire_owned().ok();
        }
        None
    }
}

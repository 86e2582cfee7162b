use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ClosingCode, ConnectionId, ControlMessage, Origin, encode};

use super::{
    linger::{LINGER, linger},
    session::{Session, SessionContext},
    socket::{Accepted, accept, accept_waiting},
};
use crate::{
    feed::{Broadcast, Transport},
    tasks::Tasks,
};

/// How long a connection may take to take in why it is refused.
const REFUSAL: Duration = Duration::from_millis(10);

/// One that finds no place waits so long for one, so many times: a client that has gone is often not
/// noticed yet when the next comes.
const FULL: Duration = Duration::from_millis(10);
const FULL_LOOKS: usize = 3;

/// So many connections that wait are taken in together.
const ACCEPTED_AT_ONCE: usize = 64;

/// Takes connections in: gives each a number, a place in the broadcast and a session.
#[derive(Clone, Debug)]
pub struct Listener {
    context: Arc<SessionContext>,
    broadcast: Broadcast,
    sessions: Tasks,
    last: Arc<AtomicU64>,
    places: Arc<Semaphore>,
}

impl Listener {
    /// A listener for at most `most` clients at a time, who have `context` in common, and whose
    /// sessions `sessions` keeps.
    pub fn new(
        context: SessionContext,
        broadcast: Broadcast,
        most: usize,
        sessions: Tasks,
    ) -> Self {
        Self {
            context: Arc::new(context),
            broadcast,
            sessions,
            last: Arc::default(),
            places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Accepts connections of `socket` until `stop`.
    pub async fn run(self, socket: TcpListener, stop: CancellationToken) {
        let accept = async {
            loop {
                let first = accept(&socket, || self.broadcast.evict_half_closed()).await;
                let more = std::iter::from_fn(|| accept_waiting(&socket));
                let accepted: Vec<Accepted> =
                    std::iter::once(first).chain(more).take(ACCEPTED_AT_ONCE).collect();
                self.take_in(accepted).await;
            }
        };
        stop.run_until_cancelled(accept).await;
    }

    /// Gives each of those that were `accepted` its session, if there is a place for it.
    async fn take_in(&self, accepted: Vec<Accepted>) {
        let mut placed = Vec::with_capacity(accepted.len());
        for accepted in accepted {
            match self.find_place().await {
                Some(place) => placed.push((accepted, place)),
                None => self.wait_or_refuse(accepted),
            }
        }
        self.join(placed).await;
    }

    /// Lets clients join that have their places, and gives each its session.
    async fn join(&self, placed: Vec<(Accepted, OwnedSemaphorePermit)>) {
        let mut inputs = Vec::with_capacity(placed.len());
        let mut new = Vec::with_capacity(placed.len());
        for ((stream, peer), place) in placed {
            let id = ConnectionId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
            tracing::info!(connection = %id, %peer, "connected");
            let (input, output) = stream.into_split();
            inputs.push((id, input, peer.ip()));
            new.push((Origin::tcp(id), Transport::Tcp { output, _place: place }));
        }
        let subscriptions = self.broadcast.join_all(new).await;
        for ((id, input, peer), subscription) in inputs.into_iter().zip(subscriptions) {
            let session = Session::new(id, input, peer, subscription, self.context.clone());
            self.sessions.spawn("session", session.run());
        }
    }

    /// A place for one more client, taken from somebody who only half is one if need be.
    async fn find_place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(place);
        }
        if self.broadcast.evict_half_closed().await {
            return self.places.clone().try_acquire_owned().ok();
        }
        None
    }

    /// Looks for a place for a connection a few times more, and refuses it then.
    fn wait_or_refuse(&self, (stream, peer): Accepted) {
        let Ok(permit) = self.context.farewells.0.clone().try_acquire_owned() else {
            return;
        };
        let this = self.clone();
        self.sessions.spawn("refusal", async move {
            for _ in 0..FULL_LOOKS {
                sleep(FULL).await;
                if let Some(place) = this.find_place().await {
                    return this.join(vec![((stream, peer), place)]).await;
                }
            }
            let mut line = Vec::new();
            let message =
                "the server has as many clients as it may have: try again later".to_owned();
            encode(&ControlMessage::Closing { code: ClosingCode::ServerFull, message }, &mut line);
            let (input, output) = stream.into_split();
            // It is the first that is written, so it goes in unless the peer has gone.
            let _ = timeout(REFUSAL, output.writable()).await;
            let _ = output.try_write(&line);
            drop(output);
            linger(input, LINGER).await;
            drop(permit);
        });
    }
}

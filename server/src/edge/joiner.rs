use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tribune_protocol::{ConnectionId, Origin};

use super::{
    byte_stream::ByteStream,
    session::{Session, SessionContext},
    stages::{Admitted, Identity},
};
use crate::{feed::Broadcast, tasks::Tasks};

/// Lets admitted connections join: numbers each, subscribes it to the feed, and runs its session.
#[derive(Clone, Debug)]
pub struct Joiner {
    context: Arc<SessionContext>,
    broadcast: Broadcast,
    sessions: Tasks,
    last_id: Arc<AtomicU64>,
}

impl Joiner {
    /// A joiner for clients of `broadcast`. Their sessions share `context` and are run by `sessions`.
    pub fn new(context: SessionContext, broadcast: Broadcast, sessions: Tasks) -> Self {
        Self { context: Arc::new(context), broadcast, sessions, last_id: Arc::default() }
    }

    /// Lets all of `admitted` join. They are subscribed together, so that each shard wakes once.
    pub async fn join<S: ByteStream>(&self, admitted: Vec<Admitted<S>>) {
        let mut inputs = Vec::with_capacity(admitted.len());
        let mut outputs = Vec::with_capacity(admitted.len());
        for client in admitted {
            let (stream, Identity { kind, peer }, permit) = client.into_parts();
            let origin = Origin::connection(kind, self.next_id());
            tracing::info!(%origin, %peer, "connected");
            let (input, output) = stream.split(permit);
            inputs.push((input, peer.ip()));
            outputs.push((origin, output));
        }
        let subscriptions = self.broadcast.join_all(outputs).await;
        for ((input, address), subscription) in inputs.into_iter().zip(subscriptions) {
            let session = Session::new(input, address, subscription, self.context.clone());
            self.sessions.spawn("session", session.run());
        }
    }

    fn next_id(&self) -> ConnectionId {
        // Connections of all kinds share one sequence, which begins with 1.
        ConnectionId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

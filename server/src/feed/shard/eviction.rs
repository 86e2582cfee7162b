use std::collections::BTreeMap;

use tribune_protocol::{ClosingCode, Origin, Seq};

use super::Shard;
use crate::feed::{Transport, outgoing::Outgoing, subscriber::Subscriber};

impl Shard {
    /// Closes a half-closed subscriber, and returns whether there was one.
    pub(super) fn evict_half_closed(&mut self) -> bool {
        let mut subscribers = self.subscribers.iter();
        let found = subscribers
            .find_map(|(&origin, subscriber)| subscriber.is_half_closed().then_some(origin));
        if let Some(origin) = found {
            let message = "the server is full, and half-closed connections make room for others";
            self.abort(origin, ClosingCode::ServerFull, message);
        }
        found.is_some()
    }

    /// Closes subscribers that have taken nothing for too long.
    pub(super) fn close_stalled(&mut self) {
        let (limit, code, reason) = if self.has_ended {
            let limit = self.config.drain_stall_timeout;
            (
                limit,
                ClosingCode::ShuttingDown,
                "the server is shutting down, and you have read nothing",
            )
        } else {
            (self.config.stall_timeout, ClosingCode::SlowClient, "you have read nothing")
        };
        let message = format!("{reason} for {} s", limit.as_secs());
        let is_stalled = |subscriber: &Subscriber<Transport>| {
            let may_be_closed = subscriber.transport().is_closable() || self.has_ended;
            may_be_closed
                && subscriber.blocked_since().is_some_and(|since| since.elapsed() >= limit)
        };
        let is_stalled = |origin: &&Origin| self.subscribers.get(*origin).is_some_and(is_stalled);
        for origin in self.blocked.iter().filter(is_stalled).copied().collect::<Vec<_>>() {
            self.abort(origin, code, &message);
        }
    }

    /// Closes subscribers that hold old snapshots until the others are within the limit. A program is
    /// no exception: its input ends.
    pub(super) fn bound_snapshots(&mut self) {
        let mut held: BTreeMap<Seq, (usize, Vec<Origin>)> = BTreeMap::new();
        for origin in &self.blocked {
            let subscriber = self.subscribers.get(origin);
            if let Some(snapshot) = subscriber.and_then(Subscriber::held_snapshot) {
                let (size, holders) = held.entry(snapshot.seq).or_default();
                *size = snapshot.line.len();
                holders.push(*origin);
            }
        }
        let mut total: usize = held.values().map(|(size, _)| size).sum();
        while total > self.config.max_snapshot_bytes
            && let Some((_, (size, holders))) = held.pop_first()
        {
            total -= size;
            for origin in holders {
                self.abort(origin, ClosingCode::SlowClient, "you read the state too slowly");
            }
        }
    }

    /// Ends the feed for all subscribers, and closes them.
    pub(super) fn abort_all(&mut self) {
        self.has_ended = true;
        for origin in self.subscribers.keys().copied().collect::<Vec<_>>() {
            let message = "the server is shutting down and does not wait for you to read the rest";
            self.abort(origin, ClosingCode::ShuttingDown, message);
        }
    }

    fn abort(&mut self, origin: Origin, code: ClosingCode, message: &str) {
        if let Some(subscriber) = self.subscribers.swap_remove(&origin) {
            tracing::info!(%origin, %code, "closing a connection");
            let closing = subscriber.abort(code, message);
            self.keep_closing(closing);
        }
    }
}

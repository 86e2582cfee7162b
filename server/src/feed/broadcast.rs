use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tribune_protocol::Origin;

use super::{
    BroadcastConfig, FeedWriter, Shard, SubscriberHandle, Transport, WelcomeTemplate,
    command::Command, half_closed::HalfClosedCount,
};

/// How many commands may wait for a shard. Beyond it, senders wait.
const MAX_COMMANDS: usize = 1024;

/// Where subscribers join that are written to. Clones are handles to the same broadcast.
#[derive(Clone, Debug)]
pub struct Broadcast {
    shards: Arc<[mpsc::Sender<Command>]>,
    half_closed: HalfClosedCount,
}

impl Broadcast {
    /// A broadcast of the feed of `writer`, and its `count` shards, each of which is to be
    /// [run](Shard::run). `count` is not 0.
    pub fn new(
        writer: &FeedWriter,
        welcome: &WelcomeTemplate,
        config: BroadcastConfig,
        count: usize,
    ) -> (Self, Vec<Shard>) {
        let half_closed = HalfClosedCount::default();
        let new_shard = |_| {
            let (sender, commands) = mpsc::channel(MAX_COMMANDS);
            let shard = Shard::new(writer, commands, welcome.clone(), config, half_closed.clone());
            (sender, shard)
        };
        let (senders, shards): (Vec<_>, Vec<_>) = (0..count).map(new_shard).unzip();
        (Self { shards: senders.into(), half_closed }, shards)
    }

    /// Sends the stream to `transport` from now on, from `welcome` on.
    pub async fn join(&self, you: Origin, transport: Transport) -> SubscriberHandle {
        // A shard that has ended serves no one any more: dropping the transport closes it.
        let _ = self.shard_of(you).send(Command::Join(vec![(you, transport)])).await;
        self.handle_of(you)
    }

    /// Sends the stream to all of `new` from now on. Each shard is woken once, however many they
    /// are.
    pub async fn join_all(&self, new: Vec<(Origin, Transport)>) -> Vec<SubscriberHandle> {
        let handles = new.iter().map(|(you, _)| self.handle_of(*you)).collect();
        let mut by_shard: Vec<Vec<_>> = self.shards.iter().map(|_| Vec::new()).collect();
        for (you, transport) in new {
            by_shard[self.index_of(you)].push((you, transport));
        }
        for (shard, new) in self.shards.iter().zip(by_shard) {
            if !new.is_empty() {
                // As in `join`.
                let _ = shard.send(Command::Join(new)).await;
            }
        }
        handles
    }

    /// Closes one half-closed subscriber, to make room for another, and returns whether there was
    /// one.
    pub async fn evict_half_closed(&self) -> bool {
        // A shard replies when its turn comes, which a request that finds nothing is not to wait for.
        if self.half_closed.is_zero() {
            return false;
        }
        for shard in &*self.shards {
            let (sender, reply) = oneshot::channel();
            // A shard that has ended has no subscriber to close.
            let _ = shard.send(Command::EvictHalfClosed(sender)).await;
            if reply.await == Ok(true) {
                return true;
            }
        }
        false
    }

    /// Puts `lines` before the next event that the subscriber `you` gets, unless it does not read or its
    /// shard has too much to do. Does not wait.
    pub fn offer(&self, you: Origin, lines: impl Into<Bytes>) {
        // A subscriber that is gone needs no reply, and one that floods the server may miss some.
        let _ = self.shard_of(you).try_send(Command::Offer(you, lines.into()));
    }

    fn handle_of(&self, you: Origin) -> SubscriberHandle {
        SubscriberHandle::new(you, self.shard_of(you).clone())
    }

    fn shard_of(&self, you: Origin) -> &mpsc::Sender<Command> {
        &self.shards[self.index_of(you)]
    }

    fn index_of(&self, you: Origin) -> usize {
        usize::try_from(you.number()).unwrap_or(0) % self.shards.len()
    }
}

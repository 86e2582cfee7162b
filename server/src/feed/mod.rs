//! The way out: log bytes into writes, to clients and player programs alike.
//!
//! The game's end is a [`Publisher`], the readers' end a [`Broadcast`]. Between them are the log
//! and a few [shards](Shard), each of which owns some of the readers.

mod command;
mod config;
mod framing;
mod half_closed;
mod outbound_queue;
mod outgoing;
mod polled_stream;
mod shard;
mod snapshot;
mod subscriber;
mod transport;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use tribune_protocol::{GameId, Origin, PROTOCOL_VERSION, Seq, Welcome};

use self::{command::Command, half_closed::HalfClosedCount, outbound_queue::Frame};
pub use self::{
    config::BroadcastConfig,
    framing::{Framing, Unframed},
    polled_stream::PolledStream,
    shard::Shard,
    snapshot::{Snapshot, SnapshotCell},
    transport::Transport,
};
use crate::log::{Batch, Log, View};

/// How many commands may wait for a shard. Whoever sends one more waits.
const COMMANDS: usize = 1024;

/// Appends to the log and wakes whoever reads it. When it is dropped, the stream has ended.
#[derive(Debug)]
pub struct Publisher {
    log: Arc<Log>,
    head: watch::Sender<Seq>,
}

impl Publisher {
    /// A publisher of `log`.
    pub fn new(log: Log) -> Self {
        let head = watch::Sender::new(log.head());
        Self { log: Arc::new(log), head }
    }

    /// Appends the events of `batch` and wakes the readers.
    pub fn publish(&self, batch: &Batch) {
        self.log.append(batch);
        self.head.send_replace(self.log.head());
    }

    /// A view of the log, and what changes when there is more in it.
    pub fn subscribe(&self) -> (View, watch::Receiver<Seq>) {
        (View::new(self.log.clone()), self.head.subscribe())
    }
}

/// What is the same in the greeting of every reader.
#[derive(Clone, Debug)]
pub struct Greeting {
    /// Names this run of the game.
    pub game: GameId,
    /// Milliseconds from tick to tick.
    pub tick_ms: u64,
    /// How many moves per second a connection may make; 0 for as many as it likes.
    pub move_rate: u32,
}

impl Greeting {
    /// The greeting of the reader `you`, who gets the state that includes the event `seq`, and can
    /// resume from `oldest`.
    fn welcome(&self, you: Origin, seq: Seq, oldest: Seq) -> Welcome {
        Welcome {
            protocol: PROTOCOL_VERSION,
            game: self.game.clone(),
            server: env!("CARGO_PKG_VERSION").to_owned(),
            you,
            seq,
            oldest,
            tick_ms: self.tick_ms,
            // Programs are not held to it.
            move_rate: matches!(you, Origin::Connection(_)).then_some(self.move_rate),
        }
    }
}

/// Where readers join. Cloning gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Broadcast {
    shards: Arc<[mpsc::Sender<Command>]>,
    half_closed: HalfClosedCount,
}

impl Broadcast {
    /// A broadcast of what `publisher` publishes, and its `count` shards, which are to be run.
    pub fn new(
        publisher: &Publisher,
        desk: &SnapshotCell,
        greeting: &Greeting,
        pace: BroadcastConfig,
        count: usize,
    ) -> (Self, Vec<Shard>) {
        let half_closed = HalfClosedCount::default();
        let new_shard = |_| {
            let (sender, commands) = mpsc::channel(COMMANDS);
            let (view, head) = publisher.subscribe();
            (
                sender,
                Shard::new(
                    view,
                    head,
                    commands,
                    desk.clone(),
                    greeting.clone(),
                    pace,
                    half_closed.clone(),
                ),
            )
        };
        let (senders, shards): (Vec<_>, Vec<_>) = (0..count).map(new_shard).unzip();
        (Self { shards: senders.into(), half_closed }, shards)
    }

    /// Sends the stream to `transport` from now on, from `welcome` on.
    pub async fn join(&self, you: Origin, transport: Transport) -> Subscription {
        let subscription = self.subscription(you);
        subscription.send(Command::Join(vec![(you, transport)])).await;
        subscription
    }

    /// Sends the stream to all of `new` from now on: each shard is woken once, however many they are.
    pub async fn join_all(&self, new: Vec<(Origin, Transport)>) -> Vec<Subscription> {
        let subscriptions = new.iter().map(|(you, _)| self.subscription(*you)).collect();
        let mut of_shards: Vec<Vec<_>> = self.shards.iter().map(|_| Vec::new()).collect();
        for (you, transport) in new {
            of_shards[self.shard_of(you)].push((you, transport));
        }
        for (shard, new) in self.shards.iter().zip(of_shards) {
            if !new.is_empty() {
                // A shard that has ended has nobody to do it for.
                let _ = shard.send(Command::Join(new)).await;
            }
        }
        subscriptions
    }

    fn subscription(&self, you: Origin) -> Subscription {
        Subscription { you, shard: self.shards[self.shard_of(you)].clone() }
    }

    fn shard_of(&self, you: Origin) -> usize {
        let number = match you {
            Origin::Program(id) => id.0,
            Origin::Connection(id) => id.0,
        };
        usize::try_from(number).unwrap_or(0) % self.shards.len()
    }

    /// Drops a reader that is half closed, if there is one.
    pub async fn drop_half_closed(&self) -> bool {
        // A shard answers when it has its turn, for which one that finds nothing is not to wait.
        if self.half_closed.is_zero() {
            return false;
        }
        for shard in &*self.shards {
            let (sender, answer) = oneshot::channel();
            // A shard that has ended has no reader to drop.
            let _ = shard.send(Command::DropHalfClosed(sender)).await;
            if answer.await == Ok(true) {
                return true;
            }
        }
        false
    }
}

/// The place of one reader in the broadcast.
///
/// What is said here after the reader has gone is not heard, and harms nobody.
#[derive(Clone, Debug)]
pub struct Subscription {
    you: Origin,
    shard: mpsc::Sender<Command>,
}

impl Subscription {
    /// Puts `lines` before the next event it gets, and waits until they have been written: so
    /// whoever does not read what he causes causes no more.
    pub async fn answer(&self, lines: impl Into<Bytes>) {
        let (written, done) = oneshot::channel();
        self.send(Command::Push(
            self.you,
            Frame::Lines { bytes: lines.into(), written: Some(written) },
        ))
        .await;
        // Nothing is ever sent: the other end is dropped.
        let _ = done.await;
    }

    /// Puts `lines` before the next event it gets, if it reads at all.
    pub async fn offer(&self, lines: impl Into<Bytes>) {
        self.send(Command::Offer(self.you, lines.into())).await;
    }

    /// Lets it go on after the event `after`.
    pub async fn resume(&self, after: Seq) {
        self.send(Command::Push(self.you, Frame::Resume(after))).await;
    }

    /// Closes it after what it has been answered.
    pub async fn close(&self) {
        self.send(Command::Push(self.you, Frame::Close)).await;
    }

    /// Says that it will not say anything any more.
    pub async fn half_close(&self) {
        self.send(Command::HalfClosed(self.you)).await;
    }

    /// Says that it has gone.
    pub async fn leave(&self) {
        self.send(Command::Leave(self.you)).await;
    }

    async fn send(&self, command: Command) {
        // A shard that has ended has nobody to do it for.
        let _ = self.shard.send(command).await;
    }
}

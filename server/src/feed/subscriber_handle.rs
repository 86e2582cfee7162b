use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tribune_protocol::{Origin, Seq};

use super::{command::Command, outbound_queue::QueueItem};

/// Controls one subscriber of a [`Broadcast`](super::Broadcast). Clones control the same.
///
/// Requests for a subscriber that is gone have no effect.
#[derive(Clone, Debug)]
pub struct SubscriberHandle {
    you: Origin,
    shard: mpsc::Sender<Command>,
}

impl SubscriberHandle {
    /// A handle to the subscriber `you` of `shard`.
    pub(super) fn new(you: Origin, shard: mpsc::Sender<Command>) -> Self {
        Self { you, shard }
    }

    /// The subscriber.
    pub fn origin(&self) -> Origin {
        self.you
    }

    /// Puts `lines` before the next event, and waits until they have been written: so a peer that
    /// does not read its replies causes no more of them.
    pub async fn reply(&self, lines: impl Into<Bytes>) {
        let (written, done) = oneshot::channel();
        let item = QueueItem::Lines { bytes: lines.into(), written: Some(written) };
        self.send(Command::Enqueue(self.you, item)).await;
        // Nothing is ever sent: the sender is dropped.
        let _ = done.await;
    }

    /// Puts `lines` before the next event, unless the subscriber does not read.
    pub async fn offer(&self, lines: impl Into<Bytes>) {
        self.send(Command::Offer(self.you, lines.into())).await;
    }

    /// Continues the stream after the event `after`.
    pub async fn resume(&self, after: Seq) {
        self.send(Command::Enqueue(self.you, QueueItem::Resume(after))).await;
    }

    /// Closes the subscriber after the replies so far.
    pub async fn close(&self) {
        self.send(Command::Enqueue(self.you, QueueItem::Close)).await;
    }

    /// Notes that the peer sends nothing any more, but may go on reading.
    pub async fn half_close(&self) {
        self.send(Command::HalfClose(self.you)).await;
    }

    /// Notes that the connection is gone.
    pub async fn leave(&self) {
        self.send(Command::Remove(self.you)).await;
    }

    async fn send(&self, command: Command) {
        // A shard that has ended has no subscribers.
        let _ = self.shard.send(command).await;
    }
}

use bytes::Bytes;
use tokio::sync::oneshot;
use tribune_protocol::Origin;

use super::{outbound_queue::QueueItem, transport::Transport};

/// What a shard is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Send the stream to these new subscribers, from `welcome` on.
    Join(Vec<(Origin, Transport)>),
    /// Put this before the next event that the subscriber gets.
    Enqueue(Origin, QueueItem),
    /// The same for these lines, unless the subscriber does not read.
    Offer(Origin, Bytes),
    /// The subscriber's peer sends nothing any more.
    HalfClose(Origin),
    /// Drop the subscriber: its connection is gone.
    Remove(Origin),
    /// Close one half-closed subscriber, and reply whether there was one.
    EvictHalfClosed(oneshot::Sender<bool>),
}

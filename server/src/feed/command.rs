use bytes::Bytes;
use tokio::sync::oneshot;
use tribune_protocol::Origin;

use super::{outbound_queue::Frame, transport::Transport};

/// What a shard is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Send the stream to these readers, from `welcome` on.
    Join(Vec<(Origin, Transport)>),
    /// Put this before the next event that the reader gets.
    Push(Origin, Frame),
    /// The same for these lines, if the reader reads at all.
    Offer(Origin, Bytes),
    /// This reader will not say anything any more.
    HalfClosed(Origin),
    /// Drop this reader: it has gone.
    Leave(Origin),
    /// Drop a reader that is half closed, and say whether there was one.
    DropHalfClosed(oneshot::Sender<bool>),
}

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use tokio::sync::oneshot;
use tribune_protocol::Seq;

use super::snapshot::Snapshot;

/// What a subscriber gets besides events, in order and each between two of their lines.
///
/// It is short: a session waits until its reply has been written before it sends the next, and the
/// rest is a snapshot now and then.
pub type OutboundQueue = VecDeque<QueueItem>;

/// An entry of an [`OutboundQueue`].
#[derive(Debug)]
pub enum QueueItem {
    /// Whole lines, or the rest of one.
    Lines {
        /// What is still to be written of them.
        bytes: Bytes,
        /// Is dropped when everything has been written, or the subscriber is gone.
        written: Option<oneshot::Sender<()>>,
    },
    /// The line of a snapshot, which is shared by all subscribers that get the same.
    Snapshot {
        /// The snapshot.
        snapshot: Arc<Snapshot>,
        /// How many bytes of its line have been written.
        written: usize,
    },
    /// From here on, the events after this one.
    Resume(Seq),
    /// The end: nothing follows.
    Close,
}

impl QueueItem {
    /// Lines whose writing nothing waits for.
    pub fn lines(bytes: Bytes) -> Self {
        Self::Lines { bytes, written: None }
    }
}

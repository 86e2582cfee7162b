use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use tokio::sync::oneshot;
use tribune_protocol::Seq;

use super::snapshot::Snapshot;

/// What a reader gets besides the stream of events, in order and each between two of its lines.
///
/// It is short: whoever puts an answer in waits until it has been written, and the rest is a state
/// now and then.
pub type OutboundQueue = VecDeque<Frame>;

/// One of the things in a [`OutboundQueue`].
#[derive(Debug)]
pub enum Frame {
    /// Whole lines, or the rest of one.
    Lines {
        /// What is still to be written of them.
        bytes: Bytes,
        /// Is dropped when that is nothing, or nobody is there any more to get it.
        written: Option<oneshot::Sender<()>>,
    },
    /// The rest of the line of a state, which is shared with all who get the same.
    Snapshot {
        /// The state.
        snapshot: Arc<Snapshot>,
        /// How many bytes of it have been written.
        written: usize,
    },
    /// From here on, the events after this one.
    Resume(Seq),
    /// From here on, nothing.
    Close,
}

impl Frame {
    /// Lines for which nobody waits.
    pub fn lines(bytes: Bytes) -> Self {
        Self::Lines { bytes, written: None }
    }
}

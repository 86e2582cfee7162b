use std::sync::Arc;

use bytes::Bytes;
use memmap2::MmapMut;
use tokio::sync::{Notify, watch};
use tribune_protocol::{ControlMessage, Seq, State};

/// Lines of this size and more are in mapped memory, which goes back to the system as soon as the last
/// subscriber has taken the line. The allocator would keep it, and snapshots of many sizes would
/// fragment its heap.
const MIN_MAPPED: usize = 128 << 10;

/// The state after an event, as its line, encoded once for all subscribers that need it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The last event that it includes.
    pub seq: Seq,
    /// The `state` line.
    pub line: Bytes,
}

impl Snapshot {
    /// A snapshot of `state`.
    pub fn new(state: State) -> Self {
        let seq = state.seq;
        let mut line = Vec::new();
        tribune_protocol::encode(&ControlMessage::State(state), &mut line);
        Self { seq, line: stored(line) }
    }
}

/// `line` in memory that it may occupy for as long as a slow client takes.
fn stored(line: Vec<u8>) -> Bytes {
    if line.len() < MIN_MAPPED {
        return line.into();
    }
    match MmapMut::map_anon(line.len()) {
        Ok(mut map) => {
            map.copy_from_slice(&line);
            Bytes::from_owner(map)
        }
        // There is no room for a map, but there is for the line.
        Err(_) => line.into(),
    }
}

/// Where shards request a [`Snapshot`] and the source publishes it. Neither ever waits for the other,
/// and one snapshot serves any number of requests. Clones are handles to the same cell.
#[derive(Clone, Debug)]
pub struct SnapshotCell {
    requests: Arc<Notify>,
    latest: watch::Sender<Arc<Snapshot>>,
}

impl SnapshotCell {
    /// A cell that holds `first`.
    pub fn new(first: Snapshot) -> Self {
        Self { requests: Arc::default(), latest: watch::Sender::new(Arc::new(first)) }
    }

    /// Requests a snapshot that includes all events published so far.
    pub fn request(&self) {
        // A permit is kept if nothing waits for requests now.
        self.requests.notify_one();
    }

    /// Waits for a request.
    pub async fn requested(&self) {
        self.requests.notified().await;
    }

    /// The last event that the latest snapshot includes.
    pub fn seq(&self) -> Seq {
        self.latest.borrow().seq
    }

    /// Makes `snapshot` the latest.
    pub fn publish(&self, snapshot: Snapshot) {
        self.latest.send_replace(Arc::new(snapshot));
    }

    /// Notifies receivers as if the latest snapshot had been published again.
    pub fn confirm(&self) {
        self.latest.send_modify(|_| {});
    }

    /// A receiver of the latest snapshot.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.latest.subscribe()
    }
}

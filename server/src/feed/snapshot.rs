use std::sync::Arc;

use bytes::Bytes;
use memmap2::MmapMut;
use tokio::sync::{Notify, watch};
use tribune_protocol::{ControlMessage, Seq, State};

/// Lines of this size and more are in memory that goes back to the system when the last who needs
/// it has it. The allocator would keep it, and snapshots of many sizes would leave holes.
const MAPPED: usize = 128 << 10;

/// The state of the game after an event, as its line, encoded once for all who need it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The last event that it includes.
    pub seq: Seq,
    /// The `state` line.
    pub line: Bytes,
    /// Whether there will be no newer one: only the last event of the game follows.
    pub is_last: bool,
}

impl Snapshot {
    /// The snapshot that says `state`.
    pub fn new(state: State) -> Self {
        let seq = state.seq;
        let mut line = Vec::new();
        tribune_protocol::encode(&ControlMessage::State(state), &mut line);
        Self { seq, line: held(line), is_last: false }
    }

    /// The snapshot that says `state`, which only the last event of the game follows.
    pub fn last(state: State) -> Self {
        Self { is_last: true, ..Self::new(state) }
    }
}

/// `line` where it can stay for as long as a slow client takes.
fn held(line: Vec<u8>) -> Bytes {
    if line.len() < MAPPED {
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

/// Where shards ask for a [`Snapshot`] and the game lays it down. Neither ever waits for the
/// other, and however many ask, the game encodes one.
#[derive(Clone, Debug)]
pub struct SnapshotCell {
    wanted: Arc<Notify>,
    latest: watch::Sender<Arc<Snapshot>>,
}

impl SnapshotCell {
    /// A desk on which `first` lies.
    pub fn new(first: Snapshot) -> Self {
        Self { wanted: Arc::default(), latest: watch::Sender::new(Arc::new(first)) }
    }

    /// Asks for a snapshot that includes all events told so far.
    pub fn request(&self) {
        // Kept until it is heard, should nobody be listening now.
        self.wanted.notify_one();
    }

    /// Waits until somebody asks.
    pub async fn requested(&self) {
        self.wanted.notified().await;
    }

    /// The event that the snapshot on the desk includes last.
    pub fn seq(&self) -> Seq {
        self.latest.borrow().seq
    }

    /// Lays down a snapshot.
    pub fn publish(&self, snapshot: Snapshot) {
        self.latest.send_replace(Arc::new(snapshot));
    }

    /// Where the snapshots can be seen.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.latest.subscribe()
    }
}

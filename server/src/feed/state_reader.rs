use bytes::Bytes;
use tokio::sync::watch;
use tribune_protocol::Seq;

use super::snapshot::SnapshotCell;

/// Reads the state of a feed. Clones read the same.
#[derive(Clone, Debug)]
pub struct StateReader {
    /// The last event. It closes after the last.
    head: watch::Receiver<Seq>,
    snapshots: SnapshotCell,
}

impl StateReader {
    /// A reader of `snapshots`, which `head` is the last event of.
    pub(super) fn new(head: watch::Receiver<Seq>, snapshots: SnapshotCell) -> Self {
        Self { head, snapshots }
    }

    /// The line of the state that includes all events published so far; the last one if the feed has
    /// ended.
    pub async fn read(&self) -> Bytes {
        let mut latest = self.snapshots.subscribe();
        let wanted = *self.head.borrow();
        loop {
            // It is read after the head, so that the last snapshot cannot come in between.
            let has_ended = self.has_ended();
            let snapshot = latest.borrow_and_update().clone();
            if snapshot.seq >= wanted || has_ended {
                return snapshot.line.clone();
            }
            self.snapshots.request();
            self.changed(&mut latest).await;
        }
    }

    /// Waits until the source of the feed responds to a request, which it does between two batches.
    /// Returns `false` if the feed has ended.
    pub async fn ping(&self) -> bool {
        let mut latest = self.snapshots.subscribe();
        self.snapshots.request();
        self.changed(&mut latest).await;
        !self.has_ended()
    }

    fn has_ended(&self) -> bool {
        self.head.has_changed().is_err()
    }

    /// Waits until `latest` changes, or the feed ends.
    async fn changed<T>(&self, latest: &mut watch::Receiver<T>) {
        let mut head = self.head.clone();
        let ended = async { while head.changed().await.is_ok() {} };
        tokio::select! {
            _ = latest.changed() => {}
            () = ended => {}
        }
    }
}

use std::{fmt, sync::Arc};

use tokio::sync::watch;
use tribune_protocol::{Seq, State};

use super::{
    journal::{Journal, JournalError, JournalSlot},
    snapshot::{Snapshot, SnapshotCell},
    state_reader::StateReader,
    subscription::Subscription,
};
use crate::log::{Batch, FirstEventError, Log, View};

/// The end of a feed that its source holds.
///
/// A source publishes lines, numbered without gaps, and a snapshot of the state when one is
/// requested. The feed does not look into the lines. When the writer is dropped, the feed has ended.
pub struct FeedWriter {
    log: Arc<Log>,
    head: watch::Sender<Seq>,
    snapshots: SnapshotCell,
    journal: JournalSlot,
}

impl FeedWriter {
    /// A feed that begins with the event after `state`, and holds the most recent events in at most
    /// `log_bytes`. It has no journal.
    ///
    /// # Errors
    /// If the number of `state` is too great for a [log](FirstEventError) to begin after it.
    pub fn new(state: State, log_bytes: usize) -> Result<Self, FirstEventError> {
        let log = Log::starting_at(state.seq.next(), log_bytes)?;
        Ok(Self {
            head: watch::Sender::new(log.head()),
            log: Arc::new(log),
            snapshots: SnapshotCell::new(Snapshot::new(state)),
            journal: JournalSlot::None,
        })
    }

    /// The same with a journal, which stores every batch before any subscriber gets it.
    #[must_use]
    pub fn with_journal(mut self, journal: impl Journal) -> Self {
        self.journal = JournalSlot::Open(Box::new(journal));
        self
    }

    /// Stores `batch` in the journal, if there is one, appends it to the log, and wakes the
    /// subscribers. Without a journal it does not wait.
    ///
    /// # Errors
    /// If the journal fails. No subscriber gets any of these events, nor any that are published
    /// later: the source has to end.
    pub async fn publish(&mut self, batch: &Batch) -> Result<(), JournalError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.journal.append(self.log.head().next(), batch).await?;
        self.log.append(batch);
        self.head.send_replace(self.log.head());
        Ok(())
    }

    /// Waits until a subscriber needs a newer snapshot. A request that comes while nothing waits for
    /// it is kept.
    pub fn snapshot_requested(&self) -> impl Future<Output = ()> {
        self.snapshots.requested()
    }

    /// The last event that the latest snapshot includes.
    pub fn snapshot_seq(&self) -> Seq {
        self.snapshots.seq()
    }

    /// Publishes `state` as the latest snapshot. It includes no event that is still to be published.
    pub fn publish_snapshot(&self, state: State) {
        self.snapshots.publish(Snapshot::new(state));
    }

    /// Responds to a request for a snapshot when the latest includes everything.
    pub fn confirm_snapshot(&self) {
        self.snapshots.confirm();
    }

    /// A reader of the state.
    pub fn state_reader(&self) -> StateReader {
        StateReader::new(self.head.subscribe(), self.snapshots.clone())
    }

    /// Ends the feed. `state` is the last snapshot: it includes every event, or all but the last
    /// ones, which a subscriber that joins from now on gets after it.
    pub fn close(self, state: State) {
        // Before the head is dropped: a shard that sees the end sees this, too.
        self.publish_snapshot(state);
    }

    /// A subscription to every event from the oldest that the log holds now.
    pub fn subscribe(&self) -> Subscription {
        let (view, head) = self.read_end();
        Subscription::new(view, head, self.snapshots.clone())
    }

    /// A view of the log, and a receiver that changes when there is more in it.
    pub(super) fn read_end(&self) -> (View, watch::Receiver<Seq>) {
        (View::new(self.log.clone()), self.head.subscribe())
    }

    /// Where shards request snapshots.
    pub(super) fn snapshots(&self) -> &SnapshotCell {
        &self.snapshots
    }
}

impl fmt::Debug for FeedWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedWriter").field("head", &self.log.head()).finish_non_exhaustive()
    }
}

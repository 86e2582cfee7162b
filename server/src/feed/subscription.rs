use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tribune_protocol::Seq;

use super::snapshot::{Snapshot, SnapshotCell};
use crate::log::{Cursor, View};

/// A subscriber that reads the feed itself, at its own pace. The source does not wait for it: what
/// it does not read in time falls out of the log, and is counted.
#[derive(Debug)]
pub struct Subscription {
    view: View,
    /// Changes when there is an event, and closes after the last.
    head: watch::Receiver<Seq>,
    cursor: Cursor,
    snapshots: SnapshotCell,
    latest_snapshot: watch::Receiver<Arc<Snapshot>>,
}

/// What a [`Subscription`] gets next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The lines of the next events, whole.
    Lines(&'a [u8]),
    /// So many events have fallen out of the log before they were read. The next lines are those of
    /// the oldest events that it holds. To continue from the state instead, call
    /// [`resync`](Subscription::resync).
    Missed(u64),
}

impl Subscription {
    /// Begins with the oldest event of `view`. `head` changes when its log grows.
    pub(super) fn new(view: View, head: watch::Receiver<Seq>, snapshots: SnapshotCell) -> Self {
        let cursor = Cursor::new(view.oldest());
        Self { view, head, cursor, latest_snapshot: snapshots.subscribe(), snapshots }
    }

    /// Waits for the next events, and gives about `max_bytes` of their lines, but at least one line.
    /// `None` when the feed has ended and everything was given. Dropping the future loses nothing.
    pub async fn next(&mut self, max_bytes: usize) -> Option<Delivery<'_>> {
        loop {
            // Before the log is read, so that the last events cannot come in between.
            let has_ended = self.head.has_changed().is_err();
            self.view.refresh();
            match self.cursor.skip_missed(&self.view) {
                0 if self.cursor.next() <= self.view.head() => {
                    let lines = self.cursor.take_lines(&self.view, max_bytes);
                    return Some(Delivery::Lines(lines));
                }
                0 if has_ended => return None,
                // An error means that the feed has ended, which the next turn finds.
                0 => drop(self.head.changed().await),
                missed => return Some(Delivery::Missed(missed)),
            }
        }
    }

    /// Waits for a snapshot from which the subscription can continue, and skips what it includes: the
    /// next lines are those of the events after it. Returns the `state` line, whose `seq` says which
    /// events were skipped.
    ///
    /// `None`, and nothing is skipped, if the feed has ended and its last snapshot is too old.
    /// Dropping the future loses nothing.
    pub async fn resync(&mut self) -> Option<Bytes> {
        loop {
            // Before the snapshot is read, so that the last one cannot come in between.
            let has_ended = self.head.has_changed().is_err();
            let snapshot = self.latest_snapshot.borrow_and_update().clone();
            self.view.refresh();
            let follows = snapshot.seq.next();
            if follows >= self.cursor.next().max(self.view.oldest()) {
                self.cursor = Cursor::new(follows);
                return Some(snapshot.line.clone());
            }
            if has_ended {
                return None;
            }
            self.snapshots.request();
            let Self { head, latest_snapshot, .. } = self;
            let ended = async { while head.changed().await.is_ok() {} };
            tokio::select! {
                _ = latest_snapshot.changed() => {}
                () = ended => {}
            }
        }
    }
}

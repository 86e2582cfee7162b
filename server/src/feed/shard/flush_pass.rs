use std::sync::Arc;

use tokio::{task::yield_now, time::Instant};
use tribune_protocol::Origin;

use super::Shard;
use crate::feed::{
    snapshot::Snapshot,
    subscriber::{FlushContext, FlushOutcome},
};

/// After so many flushes the other tasks of the thread get their turn: a write that does not wait is
/// not one of the points at which tokio would yield.
const FLUSHES_PER_TURN: usize = 64;

/// Which subscribers the next pass flushes.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// All of them: there are events.
    pub(super) all: bool,
    /// These at least: there is something for them alone.
    pub(super) some: Vec<Origin>,
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        !self.all && self.some.is_empty()
    }
}

impl Shard {
    /// Flushes the subscribers that are due and not blocked, each up to the head of the log at that
    /// moment.
    pub(super) async fn flush_pass(&mut self) {
        let now = Instant::now();
        self.last_pass = now;
        // Also without subscribers: a view that is not refreshed keeps what the log has dropped.
        self.view.refresh();
        let Due { all, mut some } = std::mem::take(&mut self.due);
        let is_new = self.latest_snapshot.has_changed().unwrap_or(false);
        if all || is_new {
            some.append(&mut self.waiting);
        }
        let snapshot = self.latest_snapshot.borrow_and_update().clone();
        if all {
            self.flush_all(&snapshot, now).await;
        } else {
            self.flush_some(some, &snapshot, now).await;
        }
        if is_new {
            // After the pass, when all that are in the middle of a snapshot are blocked.
            self.bound_snapshots();
        }
        if !self.waiting.is_empty() {
            self.snapshots.request();
        }
    }

    async fn flush_some(&mut self, some: Vec<Origin>, snapshot: &Arc<Snapshot>, now: Instant) {
        for (turn, origin) in some.into_iter().enumerate() {
            // One that has gone meanwhile needs nothing.
            if let Some(index) = self.subscribers.get_index_of(&origin)
                && self.flush(index, snapshot, now) == FlushOutcome::Finished
            {
                self.finish(index);
            }
            if turn % FLUSHES_PER_TURN == FLUSHES_PER_TURN - 1 {
                yield_now().await;
            }
        }
    }

    async fn flush_all(&mut self, snapshot: &Arc<Snapshot>, now: Instant) {
        let count = self.subscribers.len();
        self.start = self.start.wrapping_add(1);
        let mut finished = Vec::new();
        for turn in 0..count {
            let index = self.start.wrapping_add(turn) % count;
            if self.flush(index, snapshot, now) == FlushOutcome::Finished {
                finished.push(index);
            }
            if turn % FLUSHES_PER_TURN == FLUSHES_PER_TURN - 1 {
                yield_now().await;
            }
        }
        // From the highest index down, so that removing one does not move another.
        finished.sort_unstable_by(|a, b| b.cmp(a));
        for index in finished {
            self.finish(index);
        }
    }

    fn flush(&mut self, index: usize, snapshot: &Arc<Snapshot>, now: Instant) -> FlushOutcome {
        let Some((&origin, subscriber)) = self.subscribers.get_index_mut(index) else {
            return FlushOutcome::CaughtUp;
        };
        if subscriber.blocked_since().is_some() {
            return FlushOutcome::Blocked;
        }
        self.view.refresh();
        let Self { view, has_ended, welcome, .. } = self;
        let context = FlushContext { view, has_ended: *has_ended, snapshot, welcome, now };
        // An error of one connection is not an error of the server: it ends the subscription.
        let outcome = subscriber.flush(origin, context).unwrap_or(FlushOutcome::Finished);
        match outcome {
            // It has everything there will ever be, and may leave, but not before its peer can have
            // resumed an earlier connection.
            FlushOutcome::CaughtUp if self.has_ended && subscriber.will_not_resume(now) => {
                return FlushOutcome::Finished;
            }
            FlushOutcome::Blocked => self.blocked.push(origin),
            FlushOutcome::NeedsSnapshot => self.waiting.push(origin),
            FlushOutcome::HasMore => self.due.some.push(origin),
            FlushOutcome::CaughtUp | FlushOutcome::Finished => {}
        }
        outcome
    }

    /// Removes the subscriber at `index`, which has received everything that it will receive.
    fn finish(&mut self, index: usize) {
        if let Some((_, subscriber)) = self.subscribers.swap_remove_index(index) {
            let closing = subscriber.finish();
            self.keep_closing(closing);
        }
    }
}

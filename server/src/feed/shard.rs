use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::FutureExt;
use indexmap::IndexMap;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinSet, coop::unconstrained, yield_now},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ClosingCode, Origin, Seq};

use super::{
    Greeting,
    command::Command,
    config::BroadcastConfig,
    half_closed::HalfClosedCount,
    outbound_queue::Frame,
    outgoing::{Closing, Outgoing},
    snapshot::{Snapshot, SnapshotCell},
    subscriber::{FlushContext, FlushOutcome, Subscriber},
    transport::Transport,
};
use crate::{log::View, tasks::caught};

/// After so many visits the other tasks of the thread get their turn: a write that does not wait
/// is none of the points at which tokio would give it to them.
const FLUSHES_PER_TURN: usize = 64;

/// How often it is looked whether somebody has not read for too long.
const CHECK: Duration = Duration::from_millis(250);

/// Whom the next walk visits.
#[derive(Debug, Default)]
struct Due {
    /// Everybody: there are events.
    all: bool,
    /// These at least: there is something for them alone.
    some: Vec<Origin>,
}

impl Due {
    fn is_empty(&self) -> bool {
        !self.all && self.some.is_empty()
    }
}

/// Owns some of the readers, and brings each up to the head of the log.
///
/// It wakes once for any number of events, and walks through its readers. What is told meanwhile
/// is carried by the same walk where it can, and by the next otherwise: the more is told, the more
/// each write carries.
#[derive(Debug)]
pub struct Shard {
    view: View,
    /// Changes when there is an event, and closes after the last.
    head: watch::Receiver<Seq>,
    closed: bool,
    commands: mpsc::Receiver<Command>,
    desk: SnapshotCell,
    greeting: Greeting,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    readers: IndexMap<Origin, Subscriber<Transport>>,
    /// Those who wait for a snapshot.
    waiting: Vec<Origin>,
    /// Those into whom nothing goes.
    blocked: Vec<Origin>,
    /// Transports that are being closed, each for a bounded time.
    closing: JoinSet<()>,
    due: Due,
    /// Where the next walk starts, so that nobody is always the first.
    start: usize,
    last_flush: Instant,
    pace: BroadcastConfig,
    half_closed: HalfClosedCount,
}

impl Shard {
    /// A shard without readers.
    pub fn new(
        view: View,
        head: watch::Receiver<Seq>,
        commands: mpsc::Receiver<Command>,
        desk: SnapshotCell,
        greeting: Greeting,
        pace: BroadcastConfig,
        half_closed: HalfClosedCount,
    ) -> Self {
        Self {
            view,
            head,
            closed: false,
            commands,
            snapshots: desk.subscribe(),
            desk,
            greeting,
            readers: IndexMap::new(),
            waiting: Vec::new(),
            blocked: Vec::new(),
            closing: JoinSet::new(),
            due: Due::default(),
            start: 0,
            last_flush: Instant::now(),
            pace,
            half_closed,
        }
    }

    /// Serves readers until the log has closed and each has got all of it, or `cut_off`.
    pub async fn run(mut self, cut_off: CancellationToken) {
        let mut check = interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_done() {
            tokio::select! {
                () = self.wait() => {
                    self.take_commands();
                    self.walk().await;
                }
                _ = check.tick() => {
                    self.close_stalled();
                    // Somebody may have been there long enough now to be let go.
                    self.due.all |= self.closed;
                }
                () = cut_off.cancelled() => {
                    self.cut_off();
                    while self.closing.join_next().await.is_some() {}
                    return;
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        self.closed
            && self.readers.is_empty()
            && self.commands.is_empty()
            && self.closing.is_empty()
    }

    /// Waits until a walk is due, and not less than the flush interval since the last. Dropping
    /// the future loses nothing.
    async fn wait(&mut self) {
        let Self {
            head, closed, commands, snapshots, readers, waiting, blocked, closing, due, ..
        } = self;
        if due.is_empty() {
            tokio::select! {
                changed = head.changed(), if !*closed => {
                    *closed = changed.is_err();
                    due.all = true;
                }
                Ok(()) = snapshots.changed(), if !waiting.is_empty() => {
                    // The walk is to see it, too.
                    snapshots.mark_changed();
                    due.some.append(waiting);
                }
                Some(command) = commands.recv() => self.handle_command(command),
                // The number of sockets asked is not to be cut short by tokio's budget: those that
                // come late in the order would never be asked.
                some = unconstrained(poll_fn(|cx| unblock(readers, blocked, cx))) => {
                    due.some = some;
                }
                Some(_) = closing.join_next() => {}
            }
        } else {
            yield_now().await;
            if !*closed && head.has_changed().unwrap_or(true) {
                *closed = head.changed().await.is_err();
                due.all = true;
            }
        }
        if !self.closed && !self.pace.flush_interval.is_zero() {
            sleep_until(self.last_flush + self.pace.flush_interval).await;
        }
    }

    /// Does what has piled up, and leaves to the next turn what comes meanwhile.
    fn take_commands(&mut self) {
        for _ in 0..self.commands.len() {
            if let Ok(command) = self.commands.try_recv() {
                self.handle_command(command);
            }
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Join(new) => {
                self.view.refresh();
                for (origin, transport) in new {
                    self.readers.insert(origin, Subscriber::new(transport, self.view.head()));
                    self.due.some.push(origin);
                }
            }
            Command::Push(origin, item) => {
                if let Some(reader) = self.readers.get_mut(&origin) {
                    reader.push(item);
                    self.due.some.push(origin);
                }
            }
            Command::Offer(origin, lines) => {
                let reader = self.readers.get_mut(&origin);
                if let Some(reader) = reader.filter(|reader| reader.blocked_since().is_none()) {
                    reader.push(Frame::lines(lines));
                    self.due.some.push(origin);
                }
            }
            Command::HalfClosed(origin) => {
                if let Some(reader) = self.readers.get_mut(&origin) {
                    reader.half_close(self.half_closed.add());
                    self.due.some.push(origin);
                }
            }
            Command::Leave(origin) => {
                self.readers.swap_remove(&origin);
            }
            Command::DropHalfClosed(answer) => {
                let found = self.readers.iter().find(|(_, reader)| reader.is_half_closed());
                let found = found.map(|(&origin, _)| origin);
                if let Some(origin) = &found {
                    self.close(
                        origin,
                        ClosingCode::ServerFull,
                        "others want to come in, and you only watch",
                    );
                }
                // Whoever asked may have given up.
                let _ = answer.send(found.is_some());
            }
        }
    }

    /// Brings those who are due, if they take something, up to the head as it is when their turn
    /// comes.
    async fn walk(&mut self) {
        let now = Instant::now();
        self.last_flush = now;
        // Also for want of readers: a view that is not refreshed keeps what the log has dropped.
        self.view.refresh();
        let Due { all, mut some } = std::mem::take(&mut self.due);
        let is_new = self.snapshots.has_changed().unwrap_or(false);
        if all || is_new {
            some.append(&mut self.waiting);
        }
        let snapshot = self.snapshots.borrow_and_update().clone();
        if all {
            self.flush_all(&snapshot, now).await;
        } else {
            self.flush_some(some, &snapshot, now).await;
        }
        if is_new {
            // After the walk, when all who are in the middle of one are blocked.
            self.bound_snapshots();
        }
        if !self.waiting.is_empty() {
            self.desk.request();
        }
    }

    async fn flush_some(&mut self, some: Vec<Origin>, snapshot: &Arc<Snapshot>, now: Instant) {
        for (turn, origin) in some.into_iter().enumerate() {
            // Whoever has gone meanwhile needs nothing.
            if let Some(index) = self.readers.get_index_of(&origin)
                && self.visit(index, snapshot, now) == FlushOutcome::Gone
            {
                self.finish(index);
            }
            if turn % FLUSHES_PER_TURN == FLUSHES_PER_TURN - 1 {
                yield_now().await;
            }
        }
    }

    async fn flush_all(&mut self, snapshot: &Arc<Snapshot>, now: Instant) {
        let count = self.readers.len();
        self.start = self.start.wrapping_add(1);
        let mut gone = Vec::new();
        for turn in 0..count {
            let index = self.start.wrapping_add(turn) % count;
            if self.visit(index, snapshot, now) == FlushOutcome::Gone {
                gone.push(index);
            }
            if turn % FLUSHES_PER_TURN == FLUSHES_PER_TURN - 1 {
                yield_now().await;
            }
        }
        // From the highest down, so that removing one does not move another that is to go.
        gone.sort_unstable_by(|a, b| b.cmp(a));
        for index in gone {
            self.finish(index);
        }
    }

    /// Lets the reader at `index` go, which has everything it was to get.
    fn finish(&mut self, index: usize) {
        if let Some((_, reader)) = self.readers.swap_remove_index(index) {
            let closing = reader.finish();
            self.await_closing(closing);
        }
    }

    fn await_closing(&mut self, closing: Option<Closing>) {
        if let Some(closing) = closing {
            self.closing.spawn(caught("closing a transport", closing).map(|_| ()));
        }
    }

    fn visit(&mut self, index: usize, snapshot: &Arc<Snapshot>, now: Instant) -> FlushOutcome {
        let Some((&origin, reader)) = self.readers.get_index_mut(index) else {
            return FlushOutcome::CaughtUp;
        };
        if reader.blocked_since().is_some() {
            return FlushOutcome::Blocked;
        }
        self.view.refresh();
        let sight = FlushContext { view: &self.view, snapshot, greeting: &self.greeting, now };
        match reader.visit(origin, sight) {
            // Who has everything there will ever be is let go, but not before he can have said
            // that he was there before and wants to go on.
            Ok(FlushOutcome::CaughtUp) if self.closed && reader.will_not_resume(now) => {
                FlushOutcome::Gone
            }
            Ok(visit) => {
                match visit {
                    FlushOutcome::Blocked => self.blocked.push(origin),
                    FlushOutcome::WantsSnapshot => self.waiting.push(origin),
                    FlushOutcome::More => self.due.some.push(origin),
                    FlushOutcome::CaughtUp | FlushOutcome::Gone => {}
                }
                visit
            }
            // What a peer does to its connection is no error of ours.
            Err(_) => FlushOutcome::Gone,
        }
    }

    /// Closes those who have taken nothing for too long.
    fn close_stalled(&mut self) {
        let BroadcastConfig { stall_limit, farewell_limit, .. } = self.pace;
        let (limit, code, message) = if self.closed {
            (
                farewell_limit,
                ClosingCode::ShuttingDown,
                "the server ends, and you do not read the rest".to_owned(),
            )
        } else {
            let message = format!("you have read nothing for {} s", stall_limit.as_secs());
            (stall_limit, ClosingCode::SlowClient, message)
        };
        let stalled = |reader: &Subscriber<Transport>| {
            let may_be = reader.transport().is_closable() || self.closed;
            may_be && reader.blocked_since().is_some_and(|since| since.elapsed() >= limit)
        };
        let stalled = |origin: &&Origin| self.readers.get(*origin).is_some_and(stalled);
        for origin in self.blocked.iter().filter(stalled).copied().collect::<Vec<_>>() {
            self.close(&origin, code, &message);
        }
    }

    /// Closes readers who hold on to old snapshots until the others are within the bound. A program
    /// is no exception: it gets the end of its input.
    fn bound_snapshots(&mut self) {
        let mut pinned: BTreeMap<Seq, (usize, Vec<Origin>)> = BTreeMap::new();
        for origin in &self.blocked {
            if let Some(snapshot) = self.readers.get(origin).and_then(Subscriber::pinned) {
                let (size, holders) = pinned.entry(snapshot.seq).or_default();
                *size = snapshot.line.len();
                holders.push(*origin);
            }
        }
        let mut held: usize = pinned.values().map(|(size, _)| size).sum();
        while held > self.pace.snapshot_bytes
            && let Some((_, (size, holders))) = pinned.pop_first()
        {
            held -= size;
            for origin in holders {
                self.close(&origin, ClosingCode::SlowClient, "you take the state too slowly");
            }
        }
    }

    fn close(&mut self, origin: &Origin, code: ClosingCode, message: &str) {
        if let Some(reader) = self.readers.swap_remove(origin) {
            tracing::info!(%origin, %code, "closing a connection");
            let closing = reader.close(code, message);
            self.await_closing(closing);
        }
    }

    fn cut_off(&mut self) {
        let left: Vec<Origin> = self.readers.keys().copied().collect();
        for origin in left {
            self.close(
                &origin,
                ClosingCode::ShuttingDown,
                "the server ends and cannot wait for you to read the rest",
            );
        }
    }
}

/// Those among the `blocked` into whom something goes again, who are not among them any more then.
/// Pending if there is none, to wake when there is.
fn unblock(
    readers: &mut IndexMap<Origin, Subscriber<Transport>>,
    blocked: &mut Vec<Origin>,
    cx: &mut Context<'_>,
) -> Poll<Vec<Origin>> {
    let mut unblocked = Vec::new();
    blocked.retain(|origin| {
        // Whoever has gone meanwhile is not waited for.
        let Some(reader) = readers.get_mut(origin) else { return false };
        let is_blocked = reader.poll_unblock(cx).is_pending();
        if !is_blocked {
            unblocked.push(*origin);
        }
        is_blocked
    });
    if unblocked.is_empty() { Poll::Pending } else { Poll::Ready(unblocked) }
}

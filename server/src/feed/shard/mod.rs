mod eviction;
mod flush_pass;

use std::{
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
use tribune_protocol::{Origin, Seq};

use self::flush_pass::Due;
use super::{
    BroadcastConfig, FeedWriter, Transport, WelcomeTemplate,
    command::Command,
    half_closed::HalfClosedCount,
    outgoing::Closing,
    snapshot::{Snapshot, SnapshotCell},
    subscriber::Subscriber,
};
use crate::{log::View, tasks::catch_panic};

/// How often subscribers are checked for having taken nothing for too long.
const STALL_CHECK: Duration = Duration::from_millis(250);

/// The most transports that a shard closes in order at a time while new clients may take their
/// permits: those being closed hold descriptors and memory beyond the limit of clients.
pub(super) const MAX_CLOSING: usize = 8;

/// Owns some of the subscribers of a broadcast, and brings each to the head of the log.
///
/// It wakes once for any number of events, and makes a flush pass over its subscribers. Events that
/// are published meanwhile are written by the same pass where possible, and otherwise by the next: the
/// busier the feed, the more each write carries.
#[derive(Debug)]
pub struct Shard {
    view: View,
    /// Changes when there is an event, and closes after the last.
    head: watch::Receiver<Seq>,
    has_ended: bool,
    commands: mpsc::Receiver<Command>,
    snapshots: SnapshotCell,
    latest_snapshot: watch::Receiver<Arc<Snapshot>>,
    welcome: WelcomeTemplate,
    subscribers: IndexMap<Origin, Subscriber<Transport>>,
    /// Those that need a snapshot newer than the latest.
    waiting: Vec<Origin>,
    /// Those whose transport takes nothing.
    blocked: Vec<Origin>,
    /// Transports that are being closed, each for a bounded time.
    closing: JoinSet<()>,
    due: Due,
    /// Where the next pass starts, so that no subscriber is always the first.
    start: usize,
    last_pass: Instant,
    config: BroadcastConfig,
    half_closed: HalfClosedCount,
}

impl Shard {
    /// A shard of the feed of `writer`, without subscribers.
    pub(super) fn new(
        writer: &FeedWriter,
        commands: mpsc::Receiver<Command>,
        welcome: WelcomeTemplate,
        config: BroadcastConfig,
        half_closed: HalfClosedCount,
    ) -> Self {
        let (view, head) = writer.read_end();
        let snapshots = writer.snapshots().clone();
        Self {
            view,
            head,
            has_ended: false,
            commands,
            latest_snapshot: snapshots.subscribe(),
            snapshots,
            welcome,
            subscribers: IndexMap::new(),
            waiting: Vec::new(),
            blocked: Vec::new(),
            closing: JoinSet::new(),
            due: Due::default(),
            start: 0,
            last_pass: Instant::now(),
            config,
            half_closed,
        }
    }

    /// Serves subscribers until the feed has ended and each has got all of it, or until `abort`.
    pub async fn run(mut self, abort: CancellationToken) {
        let mut stall_check = interval(STALL_CHECK);
        stall_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_done() {
            tokio::select! {
                () = self.wait() => {
                    self.handle_waiting_commands();
                    self.flush_pass().await;
                }
                _ = stall_check.tick() => {
                    self.close_stalled();
                    // The time in which a subscriber may resume may be over.
                    self.due.all |= self.has_ended;
                }
                () = abort.cancelled() => {
                    self.abort_all();
                    while self.closing.join_next().await.is_some() {}
                    return;
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        self.has_ended
            && self.subscribers.is_empty()
            && self.commands.is_empty()
            && self.closing.is_empty()
    }

    /// Waits until a pass is due, and at least the flush interval since the last. Dropping the future
    /// loses nothing.
    async fn wait(&mut self) {
        if self.due.is_empty() {
            self.wait_for_work().await;
        } else {
            yield_now().await;
            if !self.has_ended && self.head.has_changed().unwrap_or(true) {
                self.has_ended = self.head.changed().await.is_err();
                self.due.all = true;
            }
        }
        if !self.has_ended && !self.config.flush_interval.is_zero() {
            sleep_until(self.last_pass + self.config.flush_interval).await;
        }
    }

    async fn wait_for_work(&mut self) {
        let Self { head, commands, latest_snapshot, subscribers, blocked, closing, .. } = self;
        tokio::select! {
            changed = head.changed(), if !self.has_ended => {
                self.has_ended = changed.is_err();
                self.due.all = true;
            }
            Ok(()) = latest_snapshot.changed(), if !self.waiting.is_empty() => {
                // The pass is to see it, too.
                latest_snapshot.mark_changed();
                self.due.some.append(&mut self.waiting);
            }
            Some(command) = commands.recv() => self.handle_command(command),
            // The number of transports polled is not to be limited by tokio's budget: those late in
            // the order would never be polled.
            unblocked = unconstrained(poll_fn(|cx| poll_blocked(subscribers, blocked, cx))) => {
                self.due.some = unblocked;
            }
            Some(_) = closing.join_next(), if !closing.is_empty() => {}
        }
    }

    /// Handles the commands that are there now, and leaves to the next turn what comes meanwhile.
    fn handle_waiting_commands(&mut self) {
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
                    self.subscribers.insert(origin, Subscriber::new(transport, self.view.head()));
                    self.due.some.push(origin);
                }
            }
            Command::Enqueue(origin, item) => {
                if let Some(subscriber) = self.subscribers.get_mut(&origin) {
                    subscriber.enqueue(item);
                    self.due.some.push(origin);
                }
            }
            Command::Offer(origin, lines) => {
                if let Some(subscriber) = self.subscribers.get_mut(&origin) {
                    subscriber.offer(lines);
                    self.due.some.push(origin);
                }
            }
            Command::HalfClose(origin) => {
                if let Some(subscriber) = self.subscribers.get_mut(&origin) {
                    subscriber.half_close(self.half_closed.add());
                    self.due.some.push(origin);
                }
            }
            Command::Remove(origin) => {
                self.subscribers.swap_remove(&origin);
            }
            Command::EvictHalfClosed(reply) => {
                // The requester may have given up.
                let _ = reply.send(self.evict_half_closed());
            }
        }
    }

    /// Keeps what is left to do to close a transport until it is done. If there are too many of
    /// these, what cannot be done now is dropped, which closes the transport.
    fn keep_closing(&mut self, closing: Option<Closing>) {
        let Some(closing) = closing else { return };
        let closing = catch_panic("closing a transport", closing).map(|_| ());
        while self.closing.try_join_next().is_some() {}
        // At the end no client is accepted any more, so there are no more of these than there were clients.
        if self.has_ended || self.closing.len() < MAX_CLOSING {
            self.closing.spawn(closing);
        } else {
            closing.now_or_never();
        }
    }
}

/// Takes out of `blocked` those whose transport may take more. Pending if there is none; then it wakes
/// the task when there is.
fn poll_blocked(
    subscribers: &mut IndexMap<Origin, Subscriber<Transport>>,
    blocked: &mut Vec<Origin>,
    cx: &mut Context<'_>,
) -> Poll<Vec<Origin>> {
    let mut unblocked = Vec::new();
    blocked.retain(|origin| {
        // One that has gone meanwhile is not waited for.
        let Some(subscriber) = subscribers.get_mut(origin) else { return false };
        let is_blocked = subscriber.poll_unblock(cx).is_pending();
        if !is_blocked {
            unblocked.push(*origin);
        }
        is_blocked
    });
    if unblocked.is_empty() { Poll::Pending } else { Poll::Ready(unblocked) }
}

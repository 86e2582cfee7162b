//! The task that owns the game, and so the source of the feed: it takes inputs from the mailbox and the
//! time from the clock, publishes the events of the game, and carries out its effects.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ControlMessage, Refusal, encode};

use crate::{
    feed::{Broadcast, FeedWriter, JournalError},
    game::{Effect, Game, Input, LaunchRequest},
    messages::Messages,
    observer::{ObservationKind, Observer},
    outcome::Outcome,
    referee_input::RefereeInput,
};

/// How many inputs are taken at once. Their events are published together.
const INPUTS_PER_TURN: usize = 64;

/// When their events have so many bytes, these are published first, and so are ticks that have become
/// due: a flood of program output takes milliseconds and not seconds at a time.
const BYTES_PER_TURN: usize = 1 << 20;

/// Everything the game is connected to.
#[derive(Debug)]
pub struct GameLoop {
    /// The game.
    pub game: Game,
    /// Where inputs come from.
    pub mailbox: mpsc::Receiver<Input>,
    /// Where events and snapshots go.
    pub feed: FeedWriter,
    /// Where refusals go.
    pub broadcast: Broadcast,
    /// Where programs to be started go.
    pub launches: mpsc::UnboundedSender<LaunchRequest>,
    /// Cancelled when programs are to end and no more clients are to be accepted.
    pub closing: CancellationToken,
    /// Where replies to the keyboard go.
    pub messages: Messages,
    /// Where lines for the referee go, if there is one.
    pub referee: Option<RefereeInput>,
    /// Where refusals are reported.
    pub observer: Observer,
}

impl GameLoop {
    /// Runs the game to its end, and returns how it ended. It begins now.
    ///
    /// # Errors
    /// If the journal fails: the game ends there, without `bye`, and the events that were not stored
    /// have reached no subscriber.
    pub async fn run(mut self) -> Result<Outcome, JournalError> {
        let start = Instant::now();
        let mut inputs = Vec::with_capacity(INPUTS_PER_TURN);
        self.game.advance(Duration::ZERO);
        self.deliver().await?;
        while !self.game.has_ended() {
            let due = self.game.next_due().map_or(start, |due| start + due);
            let snapshot_requested = tokio::select! {
                // The launcher, which ends after this, has a sender: the mailbox never closes.
                _ = self.mailbox.recv_many(&mut inputs, INPUTS_PER_TURN) => false,
                () = sleep_until(due) => false,
                () = self.feed.snapshot_requested() => true,
            };
            let mut now = start.elapsed();
            self.game.advance(now);
            for input in inputs.drain(..) {
                self.game.apply(input, now);
                if self.game.outbox().events.size() >= BYTES_PER_TURN {
                    self.deliver().await?;
                    now = start.elapsed();
                    self.game.advance(now);
                }
            }
            self.deliver().await?;
            if snapshot_requested {
                self.respond_with_snapshot();
            }
        }
        self.closing.cancel();
        // Subscribers that join from now on, or have fallen behind, get this and `bye`.
        self.feed.close(self.game.state());
        Ok(self.game.outcome())
    }

    fn respond_with_snapshot(&self) {
        if self.feed.snapshot_seq() == self.game.seq() {
            self.feed.confirm_snapshot();
        } else {
            self.feed.publish_snapshot(self.game.state());
        }
    }

    fn write_to_referee(&mut self) {
        let Some(referee) = &self.referee else { return };
        let lines = self.game.take_referee_input();
        if let Err(bytes) = referee.add(&lines) {
            self.game.referee_is_not_reading(bytes);
        }
    }

    /// Empties the outbox of the game: publishes its events, and then carries out its effects.
    async fn deliver(&mut self) -> Result<(), JournalError> {
        self.write_to_referee();
        let outbox = self.game.outbox();
        self.feed.publish(&outbox.events).await?;
        outbox.events.clear();
        for effect in std::mem::take(&mut outbox.effects) {
            match effect {
                // The launcher ends after the game.
                Effect::Launch(request) => drop(self.launches.send(request)),
                Effect::TerminatePrograms => {
                    self.observer.report(ObservationKind::Stopping);
                    self.closing.cancel();
                }
                Effect::Refuse(origin, refusal) => {
                    let refused =
                        ObservationKind::Refused { from: origin, refusal: refusal.clone() };
                    self.observer.report(refused);
                    let Refusal { code, message } = refusal;
                    let mut line = Vec::new();
                    encode(&ControlMessage::Error { code, message }, &mut line);
                    self.broadcast.offer(origin, line);
                }
                Effect::Message(text) => self.messages.say(text),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

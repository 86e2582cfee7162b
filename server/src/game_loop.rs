//! The task that owns the game: inputs from the mailbox and time from the clock go in, events go
//! to the log and effects to whom they concern.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    broadcast::{Publisher, Snapshot, SnapshotDesk},
    game::{Effect, Game, Input, Launch},
    messages::Messages,
};

/// How many inputs are taken at once. What they cause is told in one go.
const INPUTS_PER_TURN: usize = 64;

/// Everything the game is connected to.
#[derive(Debug)]
pub struct GameLoop {
    /// The game.
    pub game: Game,
    /// Where inputs come from.
    pub mailbox: mpsc::Receiver<Input>,
    /// Where events go.
    pub publisher: Publisher,
    /// Where states go, when somebody asks for one.
    pub desk: SnapshotDesk,
    /// Where programs to be started go.
    pub launches: mpsc::UnboundedSender<Launch>,
    /// Is cancelled when the programs are to end, and nobody new is to come.
    pub closing: CancellationToken,
    /// Where answers to what was typed go.
    pub messages: Messages,
}

impl GameLoop {
    /// Plays the game to its end. It begins now.
    pub async fn run(mut self) {
        let start = Instant::now();
        let mut inputs = Vec::with_capacity(INPUTS_PER_TURN);
        self.game.advance(Duration::ZERO);
        self.deliver();
        while !self.game.is_over() {
            let due = self.game.next_due().map_or(start, |due| start + due);
            let state_wanted = tokio::select! {
                // The launcher, which ends after this, has a sender: the mailbox never closes.
                _ = self.mailbox.recv_many(&mut inputs, INPUTS_PER_TURN) => false,
                () = sleep_until(due) => false,
                () = self.desk.requested() => true,
            };
            let now = start.elapsed();
            self.game.advance(now);
            for input in inputs.drain(..) {
                self.game.apply(input, now);
            }
            self.deliver();
            if state_wanted && self.desk.seq() != self.game.seq() {
                self.desk.lay_down(Snapshot::new(self.game.state()));
            }
        }
        self.closing.cancel();
        // Whoever joins from now on, or has fallen behind, gets this and `bye`.
        self.desk.lay_down(Snapshot::last(self.game.state()));
    }

    /// Empties the outbox of the game.
    fn deliver(&mut self) {
        let outbox = self.game.outbox();
        if !outbox.events.is_empty() {
            self.publisher.publish(&outbox.events);
            outbox.events.clear();
        }
        for effect in std::mem::take(&mut outbox.effects) {
            match effect {
                // The launcher ends after the game.
                Effect::Launch(launch) => drop(self.launches.send(launch)),
                Effect::EndPrograms => self.closing.cancel(),
                Effect::Answer(text) => self.messages.say(text),
            }
        }
    }
}

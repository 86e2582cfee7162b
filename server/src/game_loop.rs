//! The task that owns the game: inputs from the mailbox and time from the clock go in, events go
//! to the log and effects to whom they concern.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    feed::{Publisher, Snapshot, SnapshotCell},
    game::{Effect, Game, Input, LaunchRequest},
    messages::Messages,
};

/// How many inputs are taken at once. What they cause is told in one go.
const INPUTS_PER_TURN: usize = 64;

/// When what they cause has so many bytes, it is told first, and ticks that are due meanwhile, too:
/// what a flood of program output causes takes milliseconds and not seconds at a time.
const BYTES_PER_TURN: usize = 1 << 20;

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
    pub desk: SnapshotCell,
    /// Where programs to be started go.
    pub launches: mpsc::UnboundedSender<LaunchRequest>,
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
        while !self.game.has_ended() {
            let due = self.game.next_due().map_or(start, |due| start + due);
            let state_wanted = tokio::select! {
                // The launcher, which ends after this, has a sender: the mailbox never closes.
                _ = self.mailbox.recv_many(&mut inputs, INPUTS_PER_TURN) => false,
                () = sleep_until(due) => false,
                () = self.desk.requested() => true,
            };
            let mut now = start.elapsed();
            self.game.advance(now);
            for input in inputs.drain(..) {
                self.game.apply(input, now);
                if self.game.outbox().events.size() >= BYTES_PER_TURN {
                    self.deliver();
                    now = start.elapsed();
                    self.game.advance(now);
                }
            }
            self.deliver();
            if state_wanted && self.desk.seq() != self.game.seq() {
                self.desk.publish(Snapshot::new(self.game.state()));
            }
        }
        self.closing.cancel();
        // Whoever joins from now on, or has fallen behind, gets this and `bye`.
        self.desk.publish(Snapshot::last(self.game.state()));
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
                Effect::Launch(request) => drop(self.launches.send(request)),
                Effect::TerminatePrograms => self.closing.cancel(),
                Effect::Message(text) => self.messages.say(text),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{BoardSize, OutputStream, ServerLine, WorkerId};

    use super::*;
    use crate::{
        game::{GameConfig, Printed},
        log::Log,
        schedule::PredefCommand,
    };

    fn game() -> Game {
        Game::new(GameConfig {
            board: BoardSize { width: 4, height: 4 },
            tick: Duration::from_secs(1),
            seed: 1,
            script: Vec::new(),
            repeat: false,
            stay: true,
            predef_command: PredefCommand::BuiltIn,
        })
    }

    /// What a program prints at once at most: each byte takes six in its event.
    fn flood() -> Input {
        let line = "\u{1}".repeat(1024);
        let lines = vec![Printed::Other { line, cut: false }; 64];
        Input::Printed { program: WorkerId(1), stream: OutputStream::Stdout, lines }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_that_is_told_in_pieces_is_told_whole() {
        let publisher = Publisher::new(Log::new(64 << 20));
        let (mut view, _) = publisher.subscribe();
        let (sender, mailbox) = mpsc::channel(INPUTS_PER_TURN);
        for _ in 0..INPUTS_PER_TURN - 1 {
            sender.try_send(flood()).unwrap();
        }
        sender.try_send(Input::Stop { reason: "done".into() }).unwrap();
        let (messages, _guard) = Messages::to(std::io::sink());
        #[expect(clippy::disallowed_methods, reason = "nothing is sent through it")]
        let (launches, _none) = mpsc::unbounded_channel();
        let game = game();
        let desk = SnapshotCell::new(Snapshot::new(game.state()));
        let closing = CancellationToken::new();
        let game_loop = GameLoop { game, mailbox, publisher, desk, launches, closing, messages };
        game_loop.run().await;
        view.refresh();
        let (mut next, mut events) = (view.oldest(), 0);
        while next <= view.head() {
            let lines = view.lines_from(next);
            for line in lines.split_inclusive(|&byte| byte == b'\n') {
                let ServerLine::Event(event) = ServerLine::parse(line).unwrap() else { panic!() };
                events += 1;
                assert_eq!(event.seq.0, events);
            }
            next = view.after(next, lines.len()).1;
        }
        // The tick at the beginning, and the end.
        assert_eq!(events, 63 * 64 + 2);
    }
}

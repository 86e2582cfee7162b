//! The game: its rules, its state and what it tells, with no input or output and no clock of its
//! own. [`Game`] takes [`Input`]s and the time they came, and leaves [events](Batch) and
//! [`Effect`]s in its outbox.

mod board;
mod input;
mod players;
mod programs;

use std::{sync::Arc, time::Duration};

use players_agent::Predef;
use tribune_protocol::{
    BoardSize, Event, EventKind, Exit, Move, Origin, OutputStream, Seq, State, WorkerId,
};

use self::{
    board::{Board, Cell},
    players::Players,
    programs::Programs,
};
pub use self::{
    input::{Effect, Input, Printed},
    programs::Launch,
};
use crate::{
    log::Batch,
    schedule::{Agent, Program, Scheduled},
};

/// Who types may have this many programs alive at once.
const MAX_TYPED: usize = 100;

/// Of the ticks that were missed while the server was held up, so many are told, all at once. A
/// pause of a day is not to fill the log.
const MAX_TICKS_AT_ONCE: u32 = 100;

/// Why a game ends that nobody stopped.
const NO_PROCESS_LEFT: &str = "no process left";

/// What a game is played with.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The board. Neither side is 0.
    pub board: BoardSize,
    /// From tick to tick of the clock. Not 0.
    pub tick: Duration,
    /// Decides where players enter.
    pub seed: u64,
    /// The programs to start, and when.
    pub script: Vec<Scheduled>,
    /// Whether the script starts again each time it has ended.
    pub repeat: bool,
    /// Whether the game goes on when no program is left.
    pub stay: bool,
    /// What is run when a configuration is typed.
    pub agent: Agent,
}

/// A game that runs.
#[derive(Debug)]
pub struct Game {
    board: Board,
    tick: Duration,
    /// Ticks so far. The first, at 0, is the start and is not counted.
    clock: u64,
    next_tick: Duration,
    players: Players,
    programs: Programs,
    typed: [Arc<Program>; 4],
    stay: bool,
    /// Why it is to end as soon as no program is left.
    ending: Option<&'static str>,
    over: bool,
    seq: Seq,
    now: Duration,
    outbox: Outbox,
}

/// What a game has said since it was last asked.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The events, encoded.
    pub events: Batch,
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
}

impl Game {
    /// A game that begins now, at 0.
    pub fn new(rules: Rules) -> Self {
        Self {
            board: Board::new(rules.board, rules.seed),
            tick: rules.tick,
            clock: 0,
            next_tick: Duration::ZERO,
            players: Players::default(),
            programs: Programs::new(rules.script, rules.repeat),
            typed: Predef::ALL.map(|predef| Arc::new(rules.agent.program(predef))),
            stay: rules.stay,
            ending: None,
            over: false,
            seq: Seq::default(),
            now: Duration::ZERO,
            outbox: Outbox::default(),
        }
    }

    /// When [`Self::advance`] has something to do next; `None` when the game is over.
    pub fn next_due(&self) -> Option<Duration> {
        let next = self.programs.next_due().map_or(self.next_tick, |due| due.min(self.next_tick));
        (!self.over).then_some(next)
    }

    /// Does what is due at `now`, the time since the game began, or was due before: ticks, and
    /// programs to start.
    pub fn advance(&mut self, now: Duration) {
        self.now = now;
        self.skip_ticks();
        while let Some(due) = self.next_due().filter(|&due| due <= now) {
            if self.next_tick <= due {
                self.tick();
            } else if let Some(launch) = self.programs.take_due(now) {
                self.outbox.effects.push(Effect::Launch(launch));
            }
            self.end_if_nothing_is_left();
        }
    }

    /// Takes in what happened at `now`, the time since the game began. A game that is over takes
    /// in nothing.
    pub fn apply(&mut self, input: Input, now: Duration) {
        if self.over {
            return;
        }
        self.now = now;
        match input {
            Input::Moves { connection, moves } => {
                for step in moves {
                    self.step(Origin::Connection(connection), &step);
                }
            }
            Input::Gone { connection, reason } => {
                self.leave(Origin::Connection(connection), reason);
            }
            Input::Started { worker, command } => self.started(worker, command),
            Input::Printed { worker, stream, lines } => self.printed(worker, stream, lines),
            Input::Exited { worker, exit } => self.exited(worker, exit),
            Input::Typed(predef) => self.typed(predef),
            Input::Stop { reason } => self.stop(reason),
        }
        self.end_if_nothing_is_left();
    }

    /// Whether it has said `bye`.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The last event that [`Self::state`] includes.
    pub fn seq(&self) -> Seq {
        Seq(self.seq.0 - u64::from(self.over))
    }

    /// What it has said since the outbox was last emptied, to be taken out by the caller.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Everything there is to know about it now. The `bye` of a game that is over is not included,
    /// so that whoever gets this state gets that too.
    pub fn state(&self) -> State {
        State {
            seq: self.seq(),
            ms: self.ms(),
            clock: self.clock,
            board: self.board.size(),
            players: self.players.states(),
            workers: self.programs.states(),
        }
    }

    /// Skips ticks that were due too long ago. The clock goes on with the number that is due.
    fn skip_ticks(&mut self) {
        // The first is the beginning of the game.
        if self.next_tick.is_zero() {
            return;
        }
        let behind = self.now.saturating_sub(self.next_tick).as_nanos() / self.tick.as_nanos();
        let behind = u32::try_from(behind).unwrap_or(u32::MAX);
        let skipped = behind.saturating_sub(MAX_TICKS_AT_ONCE - 1);
        self.clock += u64::from(skipped);
        self.next_tick += self.tick * skipped;
    }

    fn tick(&mut self) {
        if !self.next_tick.is_zero() {
            self.clock += 1;
        }
        // From one due time to the next, whenever this was called: so it does not drift.
        self.next_tick += self.tick;
        self.tell(EventKind::Clock { clock: self.clock });
    }

    fn step(&mut self, from: Origin, step: &Move) {
        let direction = step.direction;
        let (player, is_new) = self.players.find_or_join(from, step, &self.board);
        let (id, name) = (player.id, player.name.clone());
        let entry = player.cell;
        player.moves += 1;
        player.cell = self.board.step(entry, direction);
        let Cell { x, y } = player.cell;
        if is_new {
            let Cell { x, y } = entry;
            self.tell(EventKind::Joined { player: id, name: name.clone(), from, x, y });
        }
        self.tell(EventKind::Move { player: id, name, from, direction, x, y });
    }

    fn leave(&mut self, from: Origin, reason: &str) {
        for player in self.players.leave(from) {
            self.tell(EventKind::Left {
                player: player.id,
                name: player.name,
                from,
                reason: reason.to_owned(),
            });
        }
    }

    fn started(&mut self, worker: WorkerId, command: Vec<String>) {
        if let Some(label) = self.programs.started(worker, self.now) {
            let label = label.to_owned();
            self.tell(EventKind::Started { worker, label, command });
        }
    }

    fn printed(&mut self, worker: WorkerId, stream: OutputStream, lines: Vec<Printed>) {
        for line in lines {
            match line {
                Printed::Move(step) => self.step(Origin::Program(worker), &step),
                Printed::Other { line, cut } => {
                    self.tell(EventKind::Output { worker, stream, line, cut });
                }
            }
        }
    }

    fn exited(&mut self, worker: WorkerId, exit: Exit) {
        if let Some(ended) = self.programs.exited(worker, &exit, self.now) {
            self.leave(Origin::Program(worker), &exit.to_string());
            self.tell(EventKind::Exited {
                worker,
                label: ended.label,
                exit,
                running: ended.running,
            });
        }
    }

    fn typed(&mut self, predef: Predef) {
        if self.programs.is_stopped() {
            return;
        }
        if self.programs.alive() >= MAX_TYPED {
            let answer = format!("{MAX_TYPED} programs are running already: wait for one to end");
            self.outbox.effects.push(Effect::Answer(answer));
            return;
        }
        let program = self.typed[usize::from(predef.number() - 1)].clone();
        let launch = self.programs.start_now(program);
        self.outbox.effects.push(Effect::Launch(launch));
    }

    fn stop(&mut self, reason: &'static str) {
        if self.ending.is_none() {
            self.ending = Some(reason);
            self.programs.stop();
            self.outbox.effects.push(Effect::EndPrograms);
        }
    }

    fn end_if_nothing_is_left(&mut self) {
        if self.over || self.programs.go_on(self.now) {
            return;
        }
        let reason = match self.ending {
            Some(reason) => reason,
            None if self.stay => return,
            None => NO_PROCESS_LEFT,
        };
        self.tell(EventKind::Bye { reason: reason.to_owned() });
        self.over = true;
    }

    fn tell(&mut self, kind: EventKind) {
        self.seq = self.seq.next();
        self.outbox.events.push(&Event { seq: self.seq, ms: self.ms(), kind });
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;

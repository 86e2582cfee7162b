//! The game: clock, programs, players and the numbering of events, with no input or output.
//!
//! [`Game`] takes [`Input`]s together with the time at which they arrived, applies its
//! [rules](crate::rules), and leaves [events](Batch) and [`Effect`]s in its [`Outbox`].

mod clock;
mod config;
mod input;
mod players;
mod programs;

use std::{sync::Arc, time::Duration};

use players_agent::Predef;
use tribune_protocol::{
    Action, Event, EventKind, Exit, Origin, OutputStream, PlayerAction, Seq, State, WorkerId,
};

use self::{clock::Clock, players::Players, programs::Programs};
pub use self::{
    config::GameConfig,
    input::{Effect, Input, OutputLine},
    programs::LaunchRequest,
};
use crate::{
    log::Batch,
    rules::{Cell, Rules, Walk},
    schedule::Program,
};

/// While this many programs are active, no other can be started from the keyboard.
const MAX_KEYBOARD_PROGRAMS: usize = 100;

/// The reason of `bye` when the game was not stopped.
const NO_PROCESS_LEFT: &str = "no process left";

/// A running game.
#[derive(Debug)]
pub struct Game {
    rules: Box<dyn Rules>,
    clock: Clock,
    players: Players,
    programs: Programs,
    /// The programs that can be started from the keyboard, in the order of [`Predef::ALL`].
    predefs: [Arc<Program>; 4],
    stay: bool,
    /// Set once the game is to end: why, for people.
    stop_reason: Option<String>,
    ended: bool,
    seq: Seq,
    now: Duration,
    outbox: Outbox,
}

/// What a game has produced since its outbox was last emptied.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The events, encoded.
    pub events: Batch,
    /// The effects, in order.
    pub effects: Vec<Effect>,
}

impl Game {
    /// A game of [`Walk`] that begins now, at 0.
    pub fn new(config: GameConfig) -> Self {
        let rules = Walk::new(config.board, config.seed);
        Self::with_rules(config, Box::new(rules))
    }

    fn with_rules(config: GameConfig, rules: Box<dyn Rules>) -> Self {
        Self {
            rules,
            clock: Clock::new(config.tick),
            players: Players::default(),
            programs: Programs::new(config.script, config.repeat),
            predefs: Predef::ALL.map(|predef| Arc::new(config.predef_command.program(predef))),
            stay: config.stay,
            stop_reason: None,
            ended: false,
            seq: Seq::default(),
            now: Duration::ZERO,
            outbox: Outbox::default(),
        }
    }

    /// When [`Self::advance`] next has something to do; `None` when the game has ended.
    pub fn next_due(&self) -> Option<Duration> {
        let tick = self.clock.next_due();
        let next = self.programs.next_due().map_or(tick, |due| due.min(tick));
        (!self.ended).then_some(next)
    }

    /// Does everything that is due at `now`, the time since the game began: ticks, and programs to
    /// start.
    pub fn advance(&mut self, now: Duration) {
        self.now = now;
        self.clock.skip_missed(now);
        while let Some(due) = self.next_due().filter(|&due| due <= now) {
            if self.clock.next_due() <= due {
                self.tick();
            } else if let Some(request) = self.programs.take_due(now) {
                self.outbox.effects.push(Effect::Launch(request));
            }
            self.end_if_finished();
        }
    }

    /// Applies an input that arrived at `now`, the time since the game began. A game that has
    /// ended ignores inputs.
    pub fn apply(&mut self, input: Input, now: Duration) {
        if self.ended {
            return;
        }
        self.now = now;
        match input {
            Input::Actions { from, actions } => {
                for action in actions {
                    self.act(from, &action);
                }
            }
            Input::Disconnected { from, reason } => self.remove_players(from, &reason),
            Input::Started { program, command } => self.program_started(program, command),
            Input::Printed { program, stream, lines } => {
                self.program_printed(program, stream, lines);
            }
            Input::Exited { program, exit } => self.program_exited(program, exit),
            Input::FromKeyboard(predef) => self.start_predef(predef),
            Input::Stop { reason } => self.stop(reason),
        }
        self.end_if_finished();
    }

    /// The name of its rules.
    pub fn rules_name(&self) -> &str {
        self.rules.name()
    }

    /// Whether the game has emitted `bye`, its last event.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The last event that [`Self::state`] includes.
    pub fn seq(&self) -> Seq {
        Seq(self.seq.0 - u64::from(self.ended))
    }

    /// Events and effects that the caller has not yet taken.
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// The current state. It never includes `bye`, so that a subscriber that starts from it gets
    /// `bye` as an event.
    pub fn state(&self) -> State {
        State {
            ms: self.ms(),
            clock: self.clock.ticks(),
            players: self.players.states(),
            workers: self.programs.states(),
            ..State::new(self.seq(), self.rules.board())
        }
    }

    fn tick(&mut self) {
        if !self.clock.is_at_start() {
            self.rules.turn(self.clock.ticks());
        }
        let clock = self.clock.tick();
        self.emit(EventKind::Clock { clock });
    }

    fn act(&mut self, from: Origin, act: &PlayerAction) {
        let (player, is_new) = self.players.find_or_join(from, &act.name, &mut *self.rules);
        let (id, name) = (player.id, player.name.clone());
        let entry = player.cell;
        player.moves += 1;
        let Ok(cell) = self.rules.act(id, entry, &act.action) else { return };
        player.cell = cell;
        if is_new {
            let Cell { x, y } = entry;
            self.emit(EventKind::Joined { player: id, name: name.clone(), from, x, y });
        }
        let Cell { x, y } = cell;
        if let Action::Move(direction) = act.action {
            self.emit(EventKind::Move { player: id, name, from, direction, x, y });
        }
    }

    fn remove_players(&mut self, from: Origin, reason: &str) {
        for player in self.players.leave(from) {
            self.rules.leave(player.id);
            self.emit(EventKind::Left {
                player: player.id,
                name: player.name,
                from,
                reason: reason.to_owned(),
            });
        }
    }

    fn program_started(&mut self, program: WorkerId, command: Vec<String>) {
        if let Some(label) = self.programs.started(program, self.now) {
            let label = label.to_owned();
            self.emit(EventKind::Started { worker: program, label, command });
        }
    }

    fn program_printed(&mut self, program: WorkerId, stream: OutputStream, lines: Vec<OutputLine>) {
        for line in lines {
            match line {
                OutputLine::Action(action) => self.act(Origin::program(program), &action),
                OutputLine::Other { line, cut, refused } => {
                    self.emit(EventKind::Output { worker: program, stream, line, cut, refused });
                }
            }
        }
    }

    fn program_exited(&mut self, program: WorkerId, exit: Exit) {
        if let Some(exited) = self.programs.exited(program, &exit, self.now) {
            self.remove_players(Origin::program(program), &exit.to_string());
            self.emit(EventKind::Exited {
                worker: program,
                label: exited.label,
                exit,
                running: exited.running,
            });
        }
    }

    fn start_predef(&mut self, predef: Predef) {
        if self.programs.are_stopped() {
            return;
        }
        if self.programs.active() >= MAX_KEYBOARD_PROGRAMS {
            let message = format!(
                "{MAX_KEYBOARD_PROGRAMS} programs are running already: wait for one to end"
            );
            self.outbox.effects.push(Effect::Message(message));
            return;
        }
        let program = self.predefs[usize::from(predef.number() - 1)].clone();
        let request = self.programs.start_now(program);
        self.outbox.effects.push(Effect::Launch(request));
    }

    fn stop(&mut self, reason: String) {
        if self.stop_reason.is_none() {
            self.stop_reason = Some(reason);
            self.programs.stop();
            self.outbox.effects.push(Effect::TerminatePrograms);
        }
    }

    /// Ends the game if no program runs or is to be started, unless it is to stay.
    fn end_if_finished(&mut self) {
        if self.ended {
            return;
        }
        self.programs.repeat_if_finished(self.now);
        if !self.programs.are_finished() || (self.stay && self.stop_reason.is_none()) {
            return;
        }
        let reason = self.stop_reason.clone().unwrap_or_else(|| NO_PROCESS_LEFT.to_owned());
        self.emit(EventKind::Bye { reason });
        self.ended = true;
    }

    fn emit(&mut self, kind: EventKind) {
        self.seq = self.seq.next();
        self.outbox.events.push(&Event { seq: self.seq, ms: self.ms(), kind });
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;

//! The game: clock, programs, players and the numbering of events, with no input or output.
//!
//! [`Game`] takes [`Input`]s together with the time at which they arrived, applies its
//! [rules](crate::rules), and leaves [events](Batch) and [`Effect`]s in its [`Outbox`].

mod actions;
mod answers;
mod clock;
mod config;
mod input;
mod players;

mod programs;
mod referee;
mod rounds;
mod standings;
mod turn_schedule;
mod turns;

use std::{sync::Arc, time::Duration};

use players_agent::Predef;
use tribune_protocol::{
    ActionSyntax, Cells, Event, EventKind, Exit, Origin, OutputStream, PlayerState, Seq, State,
    WorkerId,
};

use self::{
    clock::Clock,
    players::{Player, Players},
    programs::Programs,
    rounds::Rounds,
    turn_schedule::TurnSchedule,
};
pub use self::{
    config::{GameConfig, GameEnds, RulesConfig, TurnConfig},
    input::{Effect, Input, OutputLine},
    programs::{LaunchRequest, REFEREE},
};
use crate::{
    log::Batch,
    outcome::Outcome,
    rules::{RefereeFailure, Rules, Snake, Walk},
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
    turns: TurnSchedule,
    rounds: Rounds,
    ends: GameEnds,
    respawn: Option<Duration>,
    players: Players,
    /// Those that have left the round, with their scores.
    departed: Vec<PlayerState>,
    /// The cells that are not empty.
    cells: Cells,
    /// The last turn that was emitted.
    last_turn: u64,
    programs: Programs,
    /// The command of the referee until the game begins.
    referee_command: Option<Vec<String>>,
    /// The programs that can be started from the keyboard, in the order of [`Predef::ALL`].
    keyboard: [Arc<Program>; 4],
    stay: bool,
    /// Set once the game is to end: why, for people.
    stop_reason: Option<String>,
    /// Set if that is because the referee has failed.
    failure: Option<RefereeFailure>,
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
    /// A game with built-in rules that begins now, at 0.
    ///
    /// # Panics
    /// If a referee decides: then it is [`Self::with_referee`].
    pub fn new(config: GameConfig) -> Self {
        let rules: Box<dyn Rules> = match config.rules {
            RulesConfig::Walk => Box::new(Walk::new(config.board, config.seed)),
            RulesConfig::Snake => {
                let snake = Snake::new(config.board, config.seed);
                let can_return = config.respawn.is_some();
                Box::new(if can_return { snake } else { snake.without_respawn() })
            }
            RulesConfig::Referee(_) => unreachable!("a referee is started before its game"),
        };
        Self::with_rules(config, rules)
    }

    fn with_rules(config: GameConfig, rules: Box<dyn Rules>) -> Self {
        Self {
            rules,
            clock: Clock::new(config.tick),
            turns: TurnSchedule::new(config.turns),
            rounds: Rounds::new(config.ends, config.seed),
            ends: config.ends,
            respawn: config.respawn,
            players: Players::default(),
            departed: Vec::new(),
            cells: Cells::default(),
            last_turn: 0,
            programs: Programs::new(config.script, config.repeat),
            referee_command: None,
            keyboard: config.keyboard,
            stay: config.stay,
            stop_reason: None,
            failure: None,
            ended: false,
            seq: Seq::default(),
            now: Duration::ZERO,
            outbox: Outbox::default(),
        }
    }

    /// When [`Self::advance`] next has something to do; `None` when the game has ended.
    pub fn next_due(&self) -> Option<Duration> {
        let due = [self.next_turn(), self.outcome_due(), self.end_due(), self.programs.next_due()];
        let next = due.into_iter().flatten().fold(self.clock.next_due(), Duration::min);
        (!self.ended).then_some(next)
    }

    /// Does everything that is due at `now`, the time since the game began: ticks, turns, programs to
    /// start, and the end of its time.
    pub fn advance(&mut self, now: Duration) {
        self.now = now;
        self.clock.skip_missed(now);
        while let Some(due) = self.next_due().filter(|&due| due <= now) {
            if self.clock.next_due() <= due {
                self.tick();
            } else if self.end_due().is_some_and(|end| end <= due) {
                self.end_in_time();
            } else if self.outcome_due().is_some_and(|outcome| outcome <= due) {
                self.outcome_is_late();
            } else if self.next_turn().is_some_and(|turn| turn <= due) {
                self.close_turn();
            } else if let Some(request) = self.programs.take_due(now) {
                self.outbox.effects.push(Effect::Launch(request));
            }
            self.end_if_finished();
        }
    }

    /// When the open turn is to be closed at the latest.
    fn next_turn(&self) -> Option<Duration> {
        let is_played = self.plays_turns() && !self.is_stopping();
        self.turns.next_due().filter(|_| is_played)
    }

    /// When the time of the game ends.
    fn end_due(&self) -> Option<Duration> {
        self.ends.duration.filter(|_| !self.is_stopping())
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
                    self.act(from, action);
                }
            }
            Input::Disconnected { from, reason } => self.remove_players(from, &reason),
            Input::Started { program, command } => self.program_started(program, command),
            Input::Printed { program, stream, lines } => {
                self.program_printed(program, stream, lines);
            }
            Input::Exited { program, exit } => self.program_exited(program, exit),
            Input::RefereePrinted(lines) => self.referee_printed(&lines),
            Input::FromKeyboard(predef) => self.start_predef(predef),
            Input::Stop { reason } => self.stop(reason),
        }
        self.end_if_finished();
    }

    /// The name of its rules.
    pub fn rules_name(&self) -> &str {
        self.rules.name()
    }

    /// Which actions there are.
    pub fn actions(&self) -> ActionSyntax {
        self.rules.actions()
    }

    /// Whether the game has emitted `bye`, its last event.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Outcome {
        match (&self.failure, self.programs.none_started()) {
            (Some(failure), _) => Outcome::RefereeFailed(failure.clone()),
            (None, Some(tried)) => Outcome::NoProgramStarted { tried },
            (None, None) => Outcome::Finished,
        }
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
        let state = State {
            ms: self.ms(),
            clock: self.clock.ticks(),
            workers: self.programs.states(),
            ..State::new(self.seq(), self.rules.board())
        };
        if !self.has_turns() {
            return State { players: self.players.states(Player::state), ..state };
        }
        State {
            turn: Some(self.last_turn),
            cells: self.cells.clone(),
            players: self.players.states(Player::state_with_score),
            ..state
        }
    }

    fn tick(&mut self) {
        let is_first = self.clock.is_at_start();
        let clock = self.clock.tick();
        self.emit(EventKind::Clock { clock });
        if is_first {
            self.begin();
        }
    }

    /// Ends the game because its time is over.
    fn end_in_time(&mut self) {
        if let Some(duration) = self.ends.duration {
            self.stop(format!("duration of {} s reached", duration.as_secs_f64()));
        }
    }

    /// Whether the game is about to end, as soon as its programs have exited.
    fn is_stopping(&self) -> bool {
        self.stop_reason.is_some()
    }

    fn remove_players(&mut self, from: Origin, reason: &str) {
        for player in self.players.leave(from) {
            self.remember_departed(from, &player);
            self.rules.leave(player.id);
            self.turns.left(player.id);
            self.emit(EventKind::Left {
                player: player.id,
                name: player.name,
                from,
                reason: reason.to_owned(),
            });
        }
        self.close_complete_turns();
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
                OutputLine::Action(action) => self.act(Origin::program(program), action),
                OutputLine::Other { line, cut, refused } => {
                    self.emit(EventKind::Output { worker: program, stream, line, cut, refused });
                }
            }
        }
    }

    fn program_exited(&mut self, program: WorkerId, exit: Exit) {
        if self.programs.is_referee(program) {
            self.referee_exited(exit.clone());
        }
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
        let program = self.keyboard[usize::from(predef.number() - 1)].clone();
        let request = self.programs.start_now(program);
        self.outbox.effects.push(Effect::Launch(request));
    }

    fn stop(&mut self, reason: String) {
        if self.stop_reason.is_none() {
            self.stop_reason = Some(reason);
            self.end_last_round();
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
        if self.programs.active() > 0 {
            // The referee ends with its game.
            self.stop(NO_PROCESS_LEFT.to_owned());
            return;
        }
        self.end_last_round();
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

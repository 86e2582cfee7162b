use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tribune_protocol::{ErrorCode, Exit};

use super::{
    input_probe::InputSample,
    report::{Buffering, EndCause, InputUse, Reactions, Report, Verdict, milliseconds},
};
use crate::observer::ObservedLine;

/// The most lines whose times are kept.
const MAX_TIMES: usize = 100_000;

/// Lines within this time come at one time: a program computes far less between two lines, and a
/// buffer is emptied at once.
const AT_ONCE: Duration = Duration::from_millis(20);

/// A program that prints several lines at once is taken for one with a buffer only after it was
/// silent for this long.
const SILENCE: Duration = Duration::from_millis(500);

/// The fewest lines of a burst that is taken for a buffer that was full: the least that is usual, 4 KiB,
/// holds some hundreds of moves, and a program rarely has so many players.
const FULL_BUFFER: usize = 100;

/// The shortest pause between two such bursts, and longer than any of them takes. The pauses of a
/// program that is slowed down because it prints too fast are shorter.
const PAUSE: Duration = Duration::from_millis(100);

/// The exit of a program that has ended by itself is seen within this time after its last line.
const EXIT_DELAY: Duration = Duration::from_millis(200);

/// Before this time after its start, a program may not have begun to read.
const MIN_READING_TIME: Duration = Duration::from_millis(200);

/// What was seen of a program. All times are since the same instant.
#[derive(Debug)]
pub struct Trial {
    /// How long the program has from the end of its input to `SIGTERM`.
    input_grace: Duration,
    started: Option<Duration>,
    stopped: Option<Duration>,
    exited: Option<(Duration, Exit)>,
    /// When the lines of standard output came.
    times: Vec<Duration>,
    lines: u64,
    errors: u64,
    moves: u64,
    plain: u64,
    players: BTreeSet<String>,
    refused: BTreeMap<String, u64>,
    first_move: Option<Duration>,
    /// The last event since the last move.
    event: Option<Duration>,
    reactions: Vec<Duration>,
    input: InputUse,
    unread: u64,
    /// When the program had last read all of its input.
    caught_up: Duration,
}

impl Trial {
    /// A trial of a program that is ended by the end of its input, and after `input_grace` by
    /// `SIGTERM`.
    pub fn new(input_grace: Duration) -> Self {
        Self {
            input_grace,
            started: None,
            stopped: None,
            exited: None,
            times: Vec::new(),
            lines: 0,
            errors: 0,
            moves: 0,
            plain: 0,
            players: BTreeSet::new(),
            refused: BTreeMap::new(),
            first_move: None,
            event: None,
            reactions: Vec::new(),
            input: InputUse::Unknown,
            unread: 0,
            caught_up: Duration::ZERO,
        }
    }

    /// The program was started.
    pub fn start(&mut self, at: Duration) {
        self.started = Some(at);
    }

    /// When the program was started.
    pub fn started(&self) -> Option<Duration> {
        self.started
    }

    /// The program printed `line`.
    pub fn line(&mut self, at: Duration, line: &ObservedLine) {
        if let ObservedLine::Error(_) = line {
            self.errors += 1;
            return;
        }
        self.lines += 1;
        if self.times.len() < MAX_TIMES {
            self.times.push(at);
        }
        match line {
            ObservedLine::Action(action) => {
                self.moves += 1;
                self.players.insert(action.name.to_string());
                self.first_move.get_or_insert(at);
                if let Some(event) = self.event.take().filter(|_| self.reactions.len() < MAX_TIMES)
                {
                    self.reactions.push(at.saturating_sub(event));
                }
            }
            ObservedLine::Refused(_, refusal) => self.count_refused(refusal.code),
            ObservedLine::Plain(..) | ObservedLine::Error(_) => self.plain += 1,
        }
    }

    /// The game refused an action that was counted as a move.
    pub fn refuse(&mut self, code: ErrorCode) {
        self.moves = self.moves.saturating_sub(1);
        self.count_refused(code);
    }

    /// There was an event that the program may react to.
    pub fn event(&mut self, at: Duration) {
        self.event = Some(at);
    }

    /// The program's standard input was looked at.
    pub fn input(&mut self, at: Duration, sample: InputSample) {
        let has_time =
            self.started.is_some_and(|start| at.saturating_sub(start) >= MIN_READING_TIME);
        match sample {
            InputSample::Unknown => {}
            InputSample::Closed => self.input = InputUse::Closed,
            InputSample::Unread(0) if has_time => {
                self.caught_up = at;
                self.input = InputUse::Read;
            }
            InputSample::Unread(unread) => {
                let has_read = matches!(self.input, InputUse::Read | InputUse::Behind);
                if has_read || unread < self.unread {
                    // Some lines may just have been written.
                    let is_behind = at.saturating_sub(self.caught_up) >= SILENCE;
                    self.input = if is_behind { InputUse::Behind } else { InputUse::Read };
                } else if has_time {
                    self.input = InputUse::NotRead;
                }
                self.unread = unread;
            }
        }
    }

    /// The program is to end.
    pub fn stop(&mut self, at: Duration) {
        self.stopped.get_or_insert(at);
    }

    /// Whether the program is to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// The program has exited, or could not be started.
    pub fn exit(&mut self, at: Duration, exit: Exit) {
        self.exited = Some((at, exit));
    }

    /// Whether the program has exited, or could not be started.
    pub fn has_exited(&self) -> bool {
        self.exited.is_some()
    }

    /// The report on the program.
    pub fn report(self) -> Report {
        let first_move_ms = Some(())
            .and_then(|()| Some(milliseconds(self.first_move?.saturating_sub(self.started?))));
        // The moves of a program that does not read are not reactions.
        let reacts = self.input == InputUse::Read;
        Report {
            verdict: self.verdict(),
            buffering: self.buffering(),
            end: self.end_cause(),
            lines: self.lines,
            moves: self.moves,
            players: self.players.into_iter().collect(),
            refused: self.refused,
            plain: self.plain,
            errors: self.errors,
            first_move_ms,
            reactions: Reactions::of(self.reactions).filter(|_| reacts),
            input: self.input,
            exit: self.exited.map(|(_, exit)| exit),
        }
    }

    fn count_refused(&mut self, code: ErrorCode) {
        *self.refused.entry(code.to_string()).or_default() += 1;
    }

    fn verdict(&self) -> Verdict {
        match &self.exited {
            Some((_, Exit::NotStarted { reason, .. })) => {
                return Verdict::NotStarted(reason.clone());
            }
            None if self.started.is_none() => {
                return Verdict::NotStarted("the game was over before".into());
            }
            Some((_, exit)) if self.end_cause() == EndCause::Itself && !exit.is_success() => {
                return Verdict::Failed;
            }
            _ => {}
        }
        let is_late = |at| self.stopped.is_some_and(|stop| at >= stop);
        match self.first_move {
            Some(at) if self.moves > 0 && is_late(at) => Verdict::PlaysOnlyAtEnd,
            Some(_) if self.moves > 0 => Verdict::Plays,
            _ => Verdict::NoMove,
        }
    }

    fn end_cause(&self) -> EndCause {
        let Some((exited, exit)) = &self.exited else { return EndCause::Unknown };
        match self.stopped {
            Some(stopped) if stopped <= *exited => {
                if exited.saturating_sub(stopped) < self.input_grace {
                    EndCause::EndOfInput
                } else if *exit == (Exit::Signal { signal: 9 }) {
                    EndCause::Sigkill
                } else {
                    EndCause::Sigterm
                }
            }
            _ => EndCause::Itself,
        }
    }

    fn buffering(&self) -> Buffering {
        let (Some(&first), Some(&last), Some(started)) =
            (self.times.first(), self.times.last(), self.started)
        else {
            return Buffering::NoOutput;
        };
        let silence = first.saturating_sub(started);
        let several = self.times.len() > 1;
        let by_itself = self.end_cause() == EndCause::Itself;
        let exited = self.exited.as_ref().map(|(at, _)| *at);
        if self.stopped.is_some_and(|stop| first >= stop) {
            return Buffering::OnlyAtEnd;
        }
        let just_before_exit = exited.is_some_and(|exit| exit.saturating_sub(first) < EXIT_DELAY);
        if several && by_itself && silence >= SILENCE && just_before_exit {
            return Buffering::OnlyAtEnd;
        }
        let end = self.stopped.or(exited).unwrap_or(last);
        let is_burst = self.times.len() > 2
            && silence >= SILENCE
            && last.saturating_sub(first) <= AT_ONCE
            && end.saturating_sub(last) >= SILENCE;
        if is_burst {
            Buffering::OneBurst
        } else if silence >= SILENCE && self.is_in_full_buffers() {
            Buffering::Bursts
        } else {
            Buffering::None
        }
    }

    /// Whether all lines came in bursts of a full buffer, except for the last lines.
    fn is_in_full_buffers(&self) -> bool {
        let is_pause = |before: Duration, after| after >= before + PAUSE;
        let bursts = self.times.chunk_by(|before, after| !is_pause(*before, *after));
        let is_full = |burst: &[Duration]| {
            burst.len() >= FULL_BUFFER
                && burst
                    .last()
                    .zip(burst.first())
                    .is_some_and(|(last, first)| !is_pause(*first, *last))
        };
        let full: Vec<bool> = bursts.map(is_full).collect();
        full.split_last()
            .is_some_and(|(_, full)| !full.is_empty() && full.iter().all(|&is_full| is_full))
    }
}

#[cfg(test)]
mod tests;

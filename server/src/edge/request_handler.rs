use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use tribune_protocol::{
    Action, ActionSyntax, ClosingCode, ControlMessage, ErrorCode, GameId, Gcra, Line,
    MAX_CLIENT_LINE, Name, PlayerAction, Refusal, Request, Seq, encode,
};

use super::{
    address_budgets::AddressBudget,
    foreign_protocol::{is_blank, is_foreign},
};
use crate::limits::{PlayerPermits, Roster};

/// A connection is closed when more of its lines are refused: this many at once, or
/// [`ERRORS_PER_SECOND`] for long.
const MAX_ERRORS: NonZeroU32 = NonZeroU32::new(1000).expect("not 0");
const ERRORS_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("not 0");

/// A resume can make the server send its whole log. A client needs one per connection.
const MAX_RESUMES: NonZeroU32 = NonZeroU32::new(10).expect("not 0");
const RESUMES_PER_SECOND: NonZeroU32 = NonZeroU32::new(1).expect("not 0");

/// Blank lines and pings: no other limit counts them, so a connection that sends more of them is
/// read from more slowly. The skipped part of an endless line counts as one for each
/// [`MAX_CLIENT_LINE`] bytes.
const UNMETERED_LINES_BURST: NonZeroU32 = NonZeroU32::new(100).expect("not 0");
const UNMETERED_LINES_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("not 0");

/// About how many bytes an event takes in the log, without the name of the player and the text of an
/// action.
const EVENT_BYTES: usize = 120;

/// The limits of each connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Moves per second; `None` for no limit.
    pub move_rate: Option<NonZeroU32>,
    /// Players.
    pub max_players: usize,
}

/// Turns the lines of one connection into actions, within its limits.
#[derive(Debug)]
pub struct RequestHandler {
    limits: ConnectionLimits,
    syntax: Arc<ActionSyntax>,
    roster: Roster,
    /// Whether a line that is not blank has come.
    has_begun: bool,
    /// The player that acted last, which an action without a name is of.
    last_actor: Option<Name>,
    address: Option<AddressBudget>,
    moves: Option<Gcra>,
    // Few connections need these.
    errors: Option<Box<Gcra>>,
    resumes: Option<Box<Gcra>>,
    unmetered_lines: Option<Box<Gcra>>,
}

/// What some lines of a connection ask for.
#[derive(Debug, Default)]
pub struct Actions {
    /// Actions of players, for the game.
    pub acts: Vec<PlayerAction>,
    /// Encoded lines to send back.
    pub replies: Vec<u8>,
    /// After the replies, the stream goes on after this event.
    pub resume: Option<Seq>,
    /// The connection is to be closed for this reason.
    pub closing: Option<ClosingCode>,
    /// How many lines were blank or pings.
    pub unmetered_lines: usize,
}

impl RequestHandler {
    /// A handler for a new connection to a game whose actions have this `syntax`. Its players take
    /// `permits` of the game, and their actions spend the budget of its `address`.
    pub fn new(
        syntax: Arc<ActionSyntax>,
        limits: ConnectionLimits,
        permits: PlayerPermits,
        address: Option<AddressBudget>,
    ) -> Self {
        let moves = limits.move_rate.map(|rate| Gcra::per_second(rate, rate));
        Self {
            limits,
            syntax,
            roster: Roster::new(limits.max_players, permits),
            has_begun: false,
            last_actor: None,
            address,
            moves,
            errors: None,
            resumes: None,
            unmetered_lines: None,
        }
    }

    /// Handles `line`, which came at `now`, and adds what it asks for to `actions`.
    ///
    /// If that closes the connection, no further line is to be handled.
    pub fn handle_line(&mut self, line: Line, game: &GameId, now: Instant, actions: &mut Actions) {
        if self.is_first(&line) && is_foreign(&line) {
            actions.closing = Some(ClosingCode::WrongPort);
            return;
        }
        if let Err(refusal) = self.try_handle_line(line, game, now, actions) {
            encode(
                &ControlMessage::Error { code: refusal.code, message: refusal.message },
                &mut actions.replies,
            );
            let errors = self
                .errors
                .get_or_insert_with(|| Gcra::per_second(ERRORS_PER_SECOND, MAX_ERRORS).into());
            if !errors.try_record(now) {
                actions.closing = Some(ClosingCode::TooManyErrors);
            }
        }
    }

    /// Counts `lines` that no other limit counts, which came at `now`, and returns how long to wait
    /// before reading on.
    pub fn pause_after(&mut self, lines: usize, now: Instant) -> Duration {
        if lines == 0 {
            return Duration::ZERO;
        }
        let limiter = self.unmetered_lines.get_or_insert_with(|| {
            Gcra::per_second(UNMETERED_LINES_PER_SECOND, UNMETERED_LINES_BURST).into()
        });
        limiter.record(lines, now);
        limiter.delay(now)
    }

    /// Whether the connection has players in the game.
    pub fn has_players(&self) -> bool {
        !self.roster.is_empty()
    }

    /// Whether `line` is the first that is not blank.
    fn is_first(&mut self, line: &Line) -> bool {
        !self.has_begun && {
            self.has_begun = !is_blank(line);
            self.has_begun
        }
    }

    fn try_handle_line(
        &mut self,
        line: Line,
        game: &GameId,
        now: Instant,
        actions: &mut Actions,
    ) -> Result<(), Refusal> {
        let line = match line {
            Line::Whole(line) => line,
            Line::Cut(_) => {
                let message =
                    format!("a line has at most {MAX_CLIENT_LINE} bytes: the rest is skipped");
                return Err(Refusal::new(ErrorCode::LineTooLong, message));
            }
            // It may be the beginning of any line.
            Line::Unfinished(_) => return Ok(()),
        };
        match Request::parse(&line, &self.syntax)? {
            None => actions.unmetered_lines += 1,
            Some(Request::Act(act)) => self.handle_act(act, now, actions)?,
            Some(Request::ActAgain(action)) => self.handle_act_again(action, now, actions)?,
            Some(Request::Ping { id }) => {
                actions.unmetered_lines += 1;
                encode(&ControlMessage::Pong { id }, &mut actions.replies);
            }
            Some(Request::Resume { game: wanted, after }) => {
                if wanted != *game {
                    let message = format!("this is game {game}, not {wanted}");
                    return Err(Refusal::new(ErrorCode::UnknownGame, message));
                }
                self.handle_resume(after, now, actions)?;
            }
        }
        Ok(())
    }

    fn handle_act(
        &mut self,
        act: PlayerAction,
        now: Instant,
        actions: &mut Actions,
    ) -> Result<(), Refusal> {
        self.roster.check(&act.name)?;
        if let (Some(limiter), Some(rate)) = (&mut self.moves, self.limits.move_rate)
            && !limiter.try_record(now)
        {
            return Err(Refusal::new(
                ErrorCode::RateLimited,
                format!("you may move {rate} times per second"),
            ));
        }
        let is_new = !self.roster.contains(&act.name);
        self.roster.add(&act.name)?;
        // A new player causes `joined`, the move, and some time `left`.
        let events = if is_new { 3 } else { 1 };
        let text = match &act.action {
            Action::Move(_) => 0,
            Action::Other(text) => text.as_str().len(),
        };
        let bytes = events * (EVENT_BYTES + act.name.as_str().len()) + text;
        if let Some(address) = &self.address
            && !address.try_spend(bytes, now)
        {
            if is_new {
                self.roster.remove(&act.name);
            }
            return Err(Refusal::new(
                ErrorCode::RateLimited,
                "the connections from your address move too much: wait a second",
            ));
        }
        self.last_actor = Some(act.name.clone());
        actions.acts.push(act);
        Ok(())
    }

    fn handle_act_again(
        &mut self,
        action: Action,
        now: Instant,
        actions: &mut Actions,
    ) -> Result<(), Refusal> {
        let name = self.last_actor.clone().ok_or_else(|| {
            Refusal::new(
                ErrorCode::NoNameYet,
                format!("the first move needs a name, as in `{action} ann`"),
            )
        })?;
        self.handle_act(PlayerAction { action, name }, now, actions)
    }

    fn handle_resume(
        &mut self,
        after: Seq,
        now: Instant,
        actions: &mut Actions,
    ) -> Result<(), Refusal> {
        let resumes = self
            .resumes
            .get_or_insert_with(|| Gcra::per_second(RESUMES_PER_SECOND, MAX_RESUMES).into());
        if !resumes.try_record(now) {
            return Err(Refusal::new(ErrorCode::RateLimited, "you may resume once per second"));
        }
        // If there are several among these lines, the last one wins.
        actions.resume = Some(after);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use tribune_protocol::{
    ControlMessage, Direction, ErrorCode, GameId, Gcra, Line, Move, Name, Refusal, Request, Seq,
    encode,
};

use super::address_budgets::AddressBudget;
use crate::limits::{PlayerPermits, Roster};

/// Whoever has this many lines refused at once, or [`ERRORS_PER_SECOND`] for long, is not worth
/// talking to.
const MAX_ERRORS: NonZeroU32 = NonZeroU32::new(1000).expect("not 0");
const ERRORS_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("not 0");

/// A resume can make the server send its whole log. Once per connection is the use of it.
const MAX_RESUMES: NonZeroU32 = NonZeroU32::new(10).expect("not 0");
const RESUMES_PER_SECOND: NonZeroU32 = NonZeroU32::new(1).expect("not 0");

/// Blank lines and pings: nothing else limits them, so a connection that sends more of them is read
/// from more slowly. A skipped part of an endless line counts as one for each line's length.
const FREE_LINES_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).expect("not 0");
const FREE_LINES_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("not 0");

/// About what an event takes in the log besides the name of a player.
const EVENT_BYTES: usize = 120;

/// What a connection may do.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Moves per second; `None` for as many as it likes.
    pub move_rate: Option<NonZeroU32>,
    /// Players that it carries.
    pub players: usize,
}

/// What one connection has said so far, as far as it matters for what its next line means.
#[derive(Debug)]
pub struct Conversation {
    limits: Limits,
    roster: Roster,
    last: Option<Name>,
    address: Option<AddressBudget>,
    moves: Option<Gcra>,
    /// Only those who are refused, resume, or send what asks for nothing, need these.
    errors: Option<Box<Gcra>>,
    resumes: Option<Box<Gcra>>,
    free_lines: Option<Box<Gcra>>,
}

/// What the lines that were read at once ask for.
#[derive(Debug, Default)]
pub struct Actions {
    /// Moves for the game.
    pub moves: Vec<Move>,
    /// Lines that answer at once.
    pub answers: Vec<u8>,
    /// After the answers, the events after this one.
    pub resume: Option<Seq>,
    /// Nothing more is to be heard of it.
    pub too_many_errors: bool,
    /// How many of the lines were [free](Conversation::pause_for).
    pub free_lines: usize,
}

impl Conversation {
    /// A conversation with a client that has said nothing yet. Its players take `places` of the
    /// game, and what they do is spent from the budget of its `address`.
    pub fn new(limits: Limits, places: PlayerPermits, address: Option<AddressBudget>) -> Self {
        let moves = limits.move_rate.map(|rate| Gcra::per_second(rate, rate));
        Self {
            limits,
            roster: Roster::new(limits.players, places),
            last: None,
            address,
            moves,
            errors: None,
            resumes: None,
            free_lines: None,
        }
    }

    /// Takes in a line that came at `now`, and adds what it asks for to `asked`.
    pub fn hear(&mut self, line: Line, game: &GameId, now: Instant, asked: &mut Actions) {
        if let Err(refusal) = self.try_hear(line, game, now, asked) {
            encode(
                &ControlMessage::Error { code: refusal.code, message: refusal.message },
                &mut asked.answers,
            );
            let errors = self
                .errors
                .get_or_insert_with(|| Gcra::per_second(ERRORS_PER_SECOND, MAX_ERRORS).into());
            asked.too_many_errors |= !errors.try_record(now);
        }
    }

    /// Counts `lines` that no other limit counts (blank ones, pings), which came at `now`, and gives
    /// how long to wait before reading on.
    pub fn pause_for(&mut self, lines: usize, now: Instant) -> Duration {
        if lines == 0 {
            return Duration::ZERO;
        }
        let limit = self.free_lines.get_or_insert_with(|| {
            Gcra::per_second(FREE_LINES_PER_SECOND, FREE_LINES_AT_ONCE).into()
        });
        limit.record(lines, now);
        limit.delay(now)
    }

    /// Whether it has moved anybody.
    pub fn has_players(&self) -> bool {
        !self.roster.is_empty()
    }

    fn try_hear(
        &mut self,
        line: Line,
        game: &GameId,
        now: Instant,
        asked: &mut Actions,
    ) -> Result<(), Refusal> {
        let line = match line {
            Line::Whole(line) => line,
            Line::Cut(_) => {
                let message = format!(
                    "a line has at most {} bytes: the rest is skipped",
                    tribune_protocol::MAX_CLIENT_LINE
                );
                return Err(Refusal::new(ErrorCode::LineTooLong, message));
            }
            // Of a line that did not end nobody knows what it would have been.
            Line::Unfinished(_) => return Ok(()),
        };
        match Request::parse(&line)? {
            None => asked.free_lines += 1,
            Some(Request::Move(step)) => self.step(step, now, asked)?,
            Some(Request::MoveAgain(direction)) => self.step_again(direction, now, asked)?,
            Some(Request::Ping { id }) => {
                asked.free_lines += 1;
                encode(&ControlMessage::Pong { id }, &mut asked.answers);
            }
            Some(Request::Resume { game: wanted, after }) => {
                self.resume(&wanted, after, game, now, asked)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Move, now: Instant, asked: &mut Actions) -> Result<(), Refusal> {
        self.roster.check(&step.name)?;
        if let (Some(limit), Some(rate)) = (&mut self.moves, self.limits.move_rate)
            && !limit.try_record(now)
        {
            return Err(Refusal::new(
                ErrorCode::RateLimited,
                format!("you may move {rate} times per second"),
            ));
        }
        // A new player joins first, and leaves some time.
        let is_new = !self.roster.contains(&step.name);
        self.roster.add(&step.name)?;
        let events = if is_new { 3 } else { 1 };
        let bytes = events * (EVENT_BYTES + step.name.as_str().len());
        if let Some(address) = &self.address
            && !address.try_spend(bytes, now)
        {
            if is_new {
                self.roster.remove(&step.name);
            }
            return Err(Refusal::new(
                ErrorCode::RateLimited,
                "the connections from your address move too many players: wait a second",
            ));
        }
        self.last = Some(step.name.clone());
        asked.moves.push(step);
        Ok(())
    }

    fn step_again(
        &mut self,
        direction: Direction,
        now: Instant,
        asked: &mut Actions,
    ) -> Result<(), Refusal> {
        let name = self.last.clone().ok_or_else(|| {
            Refusal::new(
                ErrorCode::NoNameYet,
                format!("say who moves the first time, as in `{direction} ann`"),
            )
        })?;
        self.step(Move { direction, name }, now, asked)
    }

    fn resume(
        &mut self,
        wanted: &GameId,
        after: Seq,
        game: &GameId,
        now: Instant,
        asked: &mut Actions,
    ) -> Result<(), Refusal> {
        if wanted != game {
            return Err(Refusal::new(
                ErrorCode::UnknownGame,
                format!("this is game {game}, not {wanted}"),
            ));
        }
        let resumes = self
            .resumes
            .get_or_insert_with(|| Gcra::per_second(RESUMES_PER_SECOND, MAX_RESUMES).into());
        if !resumes.try_record(now) {
            return Err(Refusal::new(ErrorCode::RateLimited, "you may resume once per second"));
        }
        // Of several at once, the last one counts.
        asked.resume = Some(after);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use super::*;

    struct Talk {
        conversation: Conversation,
        now: Instant,
    }

    impl Talk {
        fn new(move_rate: u32) -> Self {
            let limits = Limits { move_rate: NonZeroU32::new(move_rate), players: 2 };
            let conversation = Conversation::new(limits, PlayerPermits::new(100), None);
            Self { conversation, now: Instant::now() }
        }

        fn hear(&mut self, lines: &[&str]) -> Actions {
            let mut asked = Actions::default();
            for line in lines {
                let line = Line::Whole(line.as_bytes().to_vec().into());
                self.conversation.hear(line, &GameId("g".into()), self.now, &mut asked);
            }
            asked
        }
    }

    fn moves(asked: &Actions) -> Vec<String> {
        asked.moves.iter().map(Move::to_string).collect()
    }

    /// The answers: the code of an error, or the type of anything else.
    fn answers(asked: &Actions) -> Vec<String> {
        let lines = asked.answers.split_inclusive(|&byte| byte == b'\n');
        let answers = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        answers
            .map(|answer| {
                answer.get("code").unwrap_or(&answer["type"]).as_str().unwrap().to_owned()
            })
            .collect()
    }

    #[test]
    fn a_bare_direction_moves_whoever_moved_last() {
        let mut talk = Talk::new(0);
        let asked = talk.hear(&["N", "N ann", "S bob", "", "E"]);
        assert_eq!(moves(&asked), ["N ann", "S bob", "E bob"]);
        assert_eq!(answers(&asked), ["no_name_yet"]);
    }

    #[test]
    fn one_player_too_many_is_refused() {
        let asked = Talk::new(0).hear(&["N ann", "N bob", "N eve", "S ann", "W"]);
        assert_eq!(moves(&asked), ["N ann", "N bob", "S ann", "W ann"]);
        assert_eq!(answers(&asked), ["too_many_players"]);
    }

    #[test]
    fn moves_beyond_the_rate_are_refused_and_the_rest_is_not() {
        let mut talk = Talk::new(3);
        let asked = talk.hear(&["N ann", "N", "N", "N", r#"{"type":"ping","id":1}"#]);
        assert_eq!(moves(&asked).len(), 3);
        assert_eq!(answers(&asked), ["rate_limited", "pong"]);
        talk.now += Duration::from_secs(1);
        assert_eq!(moves(&talk.hear(&["N", "N", "N", "N"])).len(), 3);
    }

    #[test]
    fn a_line_that_is_too_long_is_refused() {
        let mut asked = Actions::default();
        let mut talk = Talk::new(0);
        talk.conversation.hear(
            Line::Cut(vec![b'x'; 1024].into()),
            &GameId("g".into()),
            talk.now,
            &mut asked,
        );
        assert_eq!(answers(&asked), ["line_too_long"]);
    }

    #[test]
    fn a_line_without_an_end_is_not_obeyed() {
        let mut asked = Actions::default();
        let mut talk = Talk::new(0);
        talk.conversation.hear(
            Line::Unfinished("N an".into()),
            &GameId("g".into()),
            talk.now,
            &mut asked,
        );
        assert!(asked.moves.is_empty() && asked.answers.is_empty());
    }

    #[test]
    fn only_this_game_can_be_resumed_and_not_all_the_time() {
        let mut talk = Talk::new(0);
        let asked = talk.hear(&[r#"{"type":"resume","game":"other","after":3}"#]);
        assert_eq!((asked.resume, answers(&asked)), (None, vec!["unknown_game".to_owned()]));
        let resume = r#"{"type":"resume","game":"g","after":3}"#;
        let asked = talk.hear(&[resume; 12]);
        assert_eq!((asked.resume, answers(&asked).len()), (Some(Seq(3)), 2));
    }

    #[test]
    fn lines_that_ask_for_nothing_slow_down_who_sends_them() {
        let mut talk = Talk::new(0);
        let ping = r#"{"type":"ping","id":1}"#;
        let asked = talk.hear(&["", ping, "N ann", " \t", ping]);
        assert_eq!((asked.free_lines, asked.moves.len()), (4, 1));
        let now = talk.now;
        assert_eq!(talk.conversation.pause_for(0, now), Duration::ZERO);
        assert_eq!(talk.conversation.pause_for(99, now), Duration::ZERO);
        assert_eq!(talk.conversation.pause_for(51, now), Duration::from_millis(1020));
        let later = now + Duration::from_secs(60);
        assert_eq!(talk.conversation.pause_for(99, later), Duration::ZERO);
    }

    #[test]
    fn whoever_errs_without_end_is_not_heard_any_more() {
        let mut talk = Talk::new(0);
        assert!(!talk.hear(&["what"; 1000]).too_many_errors);
        assert!(talk.hear(&["what"]).too_many_errors);
        talk.now += Duration::from_secs(1);
        assert!(!talk.hear(&["what"; 50]).too_many_errors);
    }
}

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
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use serde_json::Value;
    use tribune_protocol::ActionPattern;

    use super::*;
    use crate::edge::AddressBudgets;

    struct Client {
        handler: RequestHandler,
        now: Instant,
    }

    impl Client {
        fn new(move_rate: u32) -> Self {
            let limits = ConnectionLimits { move_rate: NonZeroU32::new(move_rate), max_players: 2 };
            let handler =
                RequestHandler::new(Arc::default(), limits, PlayerPermits::new(100), None);
            Self { handler, now: Instant::now() }
        }

        fn send(&mut self, lines: &[&str]) -> Actions {
            let mut actions = Actions::default();
            for line in lines {
                let line = Line::Whole(line.as_bytes().to_vec().into());
                self.handler.handle_line(line, &GameId("g".into()), self.now, &mut actions);
            }
            actions
        }
    }

    fn moves(actions: &Actions) -> Vec<String> {
        actions.acts.iter().map(PlayerAction::to_string).collect()
    }

    /// The replies: the code of an error, or the type of anything else.
    fn replies(actions: &Actions) -> Vec<String> {
        let lines = actions.replies.split_inclusive(|&byte| byte == b'\n');
        let replies = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
        replies
            .map(|reply| reply.get("code").unwrap_or(&reply["type"]).as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_bare_direction_moves_the_last_player_again() {
        let mut client = Client::new(0);
        let actions = client.send(&["N", "N ann", "S bob", "", "E"]);
        assert_eq!(moves(&actions), ["N ann", "S bob", "E bob"]);
        assert_eq!(replies(&actions), ["no_name_yet"]);
    }

    #[test]
    fn refuses_one_player_too_many() {
        let actions = Client::new(0).send(&["N ann", "N bob", "N eve", "S ann", "W"]);
        assert_eq!(moves(&actions), ["N ann", "N bob", "S ann", "W ann"]);
        assert_eq!(replies(&actions), ["too_many_players"]);
    }

    #[test]
    fn refuses_moves_beyond_the_rate_and_nothing_else() {
        let mut client = Client::new(3);
        let actions = client.send(&["N ann", "N", "N", "N", r#"{"type":"ping","id":1}"#]);
        assert_eq!(moves(&actions).len(), 3);
        assert_eq!(replies(&actions), ["rate_limited", "pong"]);
        client.now += Duration::from_secs(1);
        assert_eq!(moves(&client.send(&["N", "N", "N", "N"])).len(), 3);
    }

    #[test]
    fn the_text_of_an_action_counts_for_the_budget_of_its_address() {
        let budgets = AddressBudgets::new(NonZeroU32::new(1000));
        let mut client = Client::new(0);
        client.handler.address = budgets.budget_of(Ipv4Addr::LOCALHOST.into());
        client.handler.syntax = Arc::new(ActionSyntax::Pattern(ActionPattern::new(".*").unwrap()));
        let line = format!("{} ann", "李".repeat(64));
        let actions = client.send(&[line.as_str(); 40]);
        let bytes: usize = moves(&actions).iter().map(String::len).sum();
        assert!((1..1000).contains(&bytes), "{bytes}");
        assert!(replies(&actions).iter().all(|code| code == "rate_limited"));
    }

    #[test]
    fn refuses_a_line_that_is_too_long() {
        let mut actions = Actions::default();
        let mut client = Client::new(0);
        client.handler.handle_line(
            Line::Cut(vec![b'x'; 1024].into()),
            &GameId("g".into()),
            client.now,
            &mut actions,
        );
        assert_eq!(replies(&actions), ["line_too_long"]);
    }

    #[test]
    fn ignores_an_unfinished_line() {
        let mut actions = Actions::default();
        let mut client = Client::new(0);
        client.handler.handle_line(
            Line::Unfinished("N an".into()),
            &GameId("g".into()),
            client.now,
            &mut actions,
        );
        assert!(actions.acts.is_empty() && actions.replies.is_empty());
    }

    #[test]
    fn refuses_to_resume_another_game_or_too_often() {
        let mut client = Client::new(0);
        let actions = client.send(&[r#"{"type":"resume","game":"other","after":3}"#]);
        assert_eq!((actions.resume, replies(&actions)), (None, vec!["unknown_game".to_owned()]));
        let resume = r#"{"type":"resume","game":"g","after":3}"#;
        let actions = client.send(&[resume; 12]);
        assert_eq!((actions.resume, replies(&actions).len()), (Some(Seq(3)), 2));
    }

    #[test]
    fn pauses_after_too_many_blank_lines_and_pings() {
        let mut client = Client::new(0);
        let ping = r#"{"type":"ping","id":1}"#;
        let actions = client.send(&["", ping, "N ann", " \t", ping]);
        assert_eq!((actions.unmetered_lines, actions.acts.len()), (4, 1));
        let now = client.now;
        assert_eq!(client.handler.pause_after(0, now), Duration::ZERO);
        assert_eq!(client.handler.pause_after(99, now), Duration::ZERO);
        assert_eq!(client.handler.pause_after(51, now), Duration::from_millis(1020));
        let later = now + Duration::from_secs(60);
        assert_eq!(client.handler.pause_after(99, later), Duration::ZERO);
    }

    #[test]
    fn gives_up_a_connection_with_too_many_errors() {
        let mut client = Client::new(0);
        assert_eq!(client.send(&["what"; 1000]).closing, None);
        assert_eq!(client.send(&["what"]).closing, Some(ClosingCode::TooManyErrors));
        client.now += Duration::from_secs(1);
        assert_eq!(client.send(&["what"; 50]).closing, None);
    }
}

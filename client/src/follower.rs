use thiserror::Error;
use tribune_protocol::{
    ClosingCode, ControlMessage, Event, EventKind, GameId, Request, Seq, ServerLine,
    text::printable,
};

/// Follows the stream of a game across connections, so that each event is shown once and in
/// order.
///
/// It decides what is to be done with each line. It reads and writes nothing itself.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    /// The game that is followed, and the last event that was shown, since the first state.
    place: Option<(GameId, Seq)>,
    phase: Phase,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The connection is new: a greeting is to come.
    #[default]
    New,
    /// The state after the greeting is to come.
    Greeted(GameId),
    /// Events come.
    Following,
    /// The events after the last that was shown were asked for. What comes before the answer is
    /// from another place in the stream, and so is the end of the game: it comes again after the
    /// answer.
    Resuming,
    /// Events were missed, and the state after them is to come.
    Missed,
}

/// What is to be done with a line.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// It is to be shown.
    Show,
    /// It is to be shown, and is the last one.
    ShowLast,
    /// It is the end of the game, and came before what was asked for. It is to be shown only if the
    /// connection ends without the rest.
    KeepLast,
    /// It says nothing new.
    PassOver,
    /// It says that the events after the last that was shown follow.
    Resumed,
    /// It says nothing new, and this is to be sent.
    Send(Request),
}

/// Why a server cannot be followed on this connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FollowError {
    /// The server closes the connection.
    #[error("the server closes the connection: {message}")]
    Closing {
        /// Why, for programs.
        code: ClosingCode,
        /// Why, for people.
        message: String,
    },
    /// The server does not keep to the protocol.
    #[error("the server sent event {got} where {wanted} was to come")]
    Gap {
        /// The event that came.
        got: Seq,
        /// The event that was due.
        wanted: Seq,
    },
    /// The server does not answer the wish to go on where the last connection ended.
    #[error("the server does not go on where the last connection ended: {0}")]
    NotResumed(String),
    /// What came is not from a server of this protocol.
    #[error("this is no Tribune server: it did not begin with a greeting")]
    NoGreeting,
}

impl FollowError {
    /// Whether another connection may do better.
    pub fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Closing { code, .. } => match code {
                ClosingCode::ServerFull | ClosingCode::SlowClient => true,
                ClosingCode::TooManyErrors | ClosingCode::ShuttingDown => false,
            },
            Self::Gap { .. } | Self::NotResumed(_) => true,
            Self::NoGreeting => false,
        }
    }
}

impl Follower {
    /// Begins with a new connection.
    pub fn connected(&mut self) {
        self.phase = Phase::New;
    }

    /// Whether the connection has got as far as to show events.
    pub fn is_following(&self) -> bool {
        self.phase == Phase::Following
    }

    /// What is to be done with `line`.
    ///
    /// # Errors
    /// If the connection cannot be used any more.
    pub fn react(&mut self, line: &ServerLine) -> Result<Reaction, FollowError> {
        if let ServerLine::Control(ControlMessage::Closing { code, message }) = line {
            return Err(FollowError::Closing { code: *code, message: message.clone() });
        }
        match (&self.phase, line) {
            (Phase::New, ServerLine::Control(ControlMessage::Welcome(welcome))) => {
                Ok(self.greeted(&welcome.game))
            }
            (Phase::New, _) => Err(FollowError::NoGreeting),
            (Phase::Greeted(game), ServerLine::Control(ControlMessage::State(state))) => {
                self.place = Some((game.clone(), state.seq));
                self.phase = Phase::Following;
                Ok(Reaction::Show)
            }
            (Phase::Resuming, ServerLine::Control(ControlMessage::Resumed { .. })) => {
                self.phase = Phase::Following;
                Ok(Reaction::Resumed)
            }
            // Nothing else was asked for.
            (Phase::Resuming, ServerLine::Control(ControlMessage::Error { message, .. })) => {
                Err(FollowError::NotResumed(printable(message).into_owned()))
            }
            // The server has still to answer, and then sends this again.
            (Phase::Resuming, ServerLine::Event(Event { kind: EventKind::Bye { .. }, .. })) => {
                Ok(Reaction::KeepLast)
            }
            (
                Phase::Resuming | Phase::Following,
                ServerLine::Control(ControlMessage::Resync { .. }),
            ) => {
                self.phase = Phase::Missed;
                Ok(Reaction::Show)
            }
            (Phase::Missed, ServerLine::Control(ControlMessage::State(state))) => {
                self.move_to(state.seq);
                self.phase = Phase::Following;
                Ok(Reaction::Show)
            }
            (
                Phase::Resuming,
                ServerLine::Event(_) | ServerLine::Control(ControlMessage::State(_)),
            ) => Ok(Reaction::PassOver),
            (_, ServerLine::Event(event)) => self.event(event.seq, &event.kind),
            (_, ServerLine::Control(_)) => Ok(Reaction::Show),
            (_, ServerLine::Unknown) => Ok(Reaction::PassOver),
        }
    }

    /// How many events before `last` were not shown.
    pub fn missing_before(&self, last: Seq) -> u64 {
        last.since(self.next())
    }

    fn greeted(&mut self, game: &GameId) -> Reaction {
        match &self.place {
            Some((followed, after)) if followed == game => {
                let resume = Request::Resume { game: game.clone(), after: *after };
                self.phase = Phase::Resuming;
                Reaction::Send(resume)
            }
            _ => {
                self.phase = Phase::Greeted(game.clone());
                Reaction::Show
            }
        }
    }

    fn event(&mut self, got: Seq, kind: &EventKind) -> Result<Reaction, FollowError> {
        let wanted = self.next();
        if self.phase != Phase::Following || got != wanted {
            return Err(FollowError::Gap { got, wanted });
        }
        self.move_to(got);
        Ok(match kind {
            EventKind::Bye { .. } => Reaction::ShowLast,
            _ => Reaction::Show,
        })
    }

    /// The event after the last that was shown.
    fn next(&self) -> Seq {
        self.place.as_ref().map_or(Seq(1), |(_, last)| last.next())
    }

    fn move_to(&mut self, seq: Seq) {
        if let Some((_, last)) = &mut self.place {
            *last = seq;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(game: &str) -> String {
        format!(
            r#"{{"type":"welcome","protocol":1,"game":"{game}","server":"0","you":"tcp#1","seq":0,"oldest":1,"tick_ms":1000}}"#
        )
    }

    fn state(seq: u64) -> String {
        format!(
            r#"{{"type":"state","seq":{seq},"ms":0,"clock":0,"board":{{"width":1,"height":1}},"players":[],"workers":[]}}"#
        )
    }

    fn tick(seq: u64) -> String {
        format!(r#"{{"type":"clock","seq":{seq},"ms":0,"clock":0}}"#)
    }

    fn bye(seq: u64) -> String {
        format!(r#"{{"type":"bye","seq":{seq},"ms":0,"reason":"over"}}"#)
    }

    fn react(follower: &mut Follower, line: &str) -> Result<Reaction, FollowError> {
        follower.react(&ServerLine::parse(line.as_bytes()).unwrap())
    }

    /// The lines of `lines` that are shown.
    fn shown(follower: &mut Follower, lines: &[String]) -> Vec<String> {
        let show = |line: &&String| {
            matches!(react(follower, line), Ok(Reaction::Show | Reaction::ShowLast))
        };
        lines.iter().filter(show).cloned().collect()
    }

    fn following(game: &str, seq: u64) -> Follower {
        let mut follower = Follower::default();
        shown(&mut follower, &[welcome(game), state(seq)]);
        assert!(follower.is_following());
        follower
    }

    #[test]
    fn everything_is_shown_from_the_greeting_to_the_end() {
        let lines = [welcome("g"), state(3), tick(4), tick(5)];
        let mut follower = Follower::default();
        assert_eq!(shown(&mut follower, &lines), lines);
        assert!(matches!(react(&mut follower, &bye(6)), Ok(Reaction::ShowLast)));
    }

    #[test]
    fn a_game_that_goes_on_is_resumed_and_nothing_is_shown_twice() {
        let mut follower = following("g", 3);
        shown(&mut follower, &[tick(4)]);
        follower.connected();
        let Ok(Reaction::Send(Request::Resume { game, after })) =
            react(&mut follower, &welcome("g"))
        else {
            panic!("it resumes")
        };
        assert_eq!((game.0.as_str(), after), ("g", Seq(4)));
        let lines = [
            state(7),
            tick(8),
            r#"{"type":"resumed","after":4}"#.into(),
            tick(5),
            tick(6),
            tick(7),
            tick(8),
        ];
        assert_eq!(shown(&mut follower, &lines), lines[3..]);
    }

    #[test]
    fn what_was_missed_is_told_and_the_state_taken_over() {
        let resync = r#"{"type":"resync","missed":90,"seq":94}"#.to_owned();
        let lines = [resync, state(94), tick(95)];
        let mut slow = following("g", 4);
        assert_eq!(shown(&mut slow, &lines), lines);
        let mut late = following("g", 4);
        late.connected();
        react(&mut late, &welcome("g")).unwrap();
        assert_eq!(shown(&mut late, &lines), lines);
    }

    #[test]
    fn a_game_that_ends_before_it_is_resumed_is_told_to_its_end() {
        let mut follower = following("g", 4);
        follower.connected();
        react(&mut follower, &welcome("g")).unwrap();
        assert!(matches!(react(&mut follower, &state(6)), Ok(Reaction::PassOver)));
        assert!(matches!(react(&mut follower, &bye(7)), Ok(Reaction::KeepLast)));
        assert_eq!(follower.missing_before(Seq(7)), 2, "if nothing more comes");
        let lines = [r#"{"type":"resumed","after":4}"#.into(), tick(5), tick(6)];
        assert_eq!(shown(&mut follower, &lines), lines[1..]);
        assert!(matches!(react(&mut follower, &bye(7)), Ok(Reaction::ShowLast)));
        assert_eq!(follower.missing_before(Seq(8)), 0);
    }

    #[test]
    fn a_game_that_ends_before_its_past_is_found_gone_is_told_from_the_state_that_is_left() {
        let mut follower = following("g", 4);
        follower.connected();
        react(&mut follower, &welcome("g")).unwrap();
        assert!(matches!(react(&mut follower, &bye(90)), Ok(Reaction::KeepLast)));
        let lines = [r#"{"type":"resync","missed":85,"seq":89}"#.into(), state(89)];
        assert_eq!(shown(&mut follower, &lines), lines);
        assert!(matches!(react(&mut follower, &bye(90)), Ok(Reaction::ShowLast)));
    }

    #[test]
    fn a_resume_that_is_refused_is_not_waited_for() {
        let mut follower = following("g", 4);
        follower.connected();
        react(&mut follower, &welcome("g")).unwrap();
        let refused = r#"{"type":"error","code":"rate_limited","message":"later"}"#;
        let error = react(&mut follower, refused).unwrap_err();
        assert_eq!(error, FollowError::NotResumed("later".into()));
        assert!(error.is_worth_a_retry());
    }

    #[test]
    fn another_game_is_followed_from_its_state() {
        let mut follower = following("g", 90);
        follower.connected();
        let lines = [welcome("h"), state(2), tick(3)];
        assert_eq!(shown(&mut follower, &lines), lines);
    }

    #[test]
    fn a_gap_is_not_passed_over_in_silence() {
        let mut follower = following("g", 3);
        let error = react(&mut follower, &tick(5)).unwrap_err();
        assert_eq!(error, FollowError::Gap { got: Seq(5), wanted: Seq(4) });
        assert!(error.is_worth_a_retry());
    }

    #[test]
    fn a_connection_that_is_closed_says_why() {
        let closing = |code: &str| format!(r#"{{"type":"closing","code":"{code}","message":"m"}}"#);
        let full = react(&mut Follower::default(), &closing("server_full")).unwrap_err();
        assert!(full.is_worth_a_retry());
        let slow = react(&mut following("g", 1), &closing("slow_client")).unwrap_err();
        assert!(slow.is_worth_a_retry());
        for code in ["too_many_errors", "shutting_down"] {
            let error = react(&mut following("g", 1), &closing(code)).unwrap_err();
            assert!(!error.is_worth_a_retry(), "{code}");
        }
    }

    #[test]
    fn somebody_else_is_not_taken_for_a_server() {
        assert!(matches!(react(&mut Follower::default(), &tick(1)), Err(FollowError::NoGreeting)));
    }

    #[test]
    fn answers_are_shown_at_any_time_and_unknown_lines_never() {
        let mut follower = following("g", 3);
        let pong = r#"{"type":"pong","id":1}"#.to_owned();
        let lines = [pong.clone(), r#"{"type":"weather"}"#.into()];
        assert_eq!(shown(&mut follower, &lines), [pong]);
    }
}

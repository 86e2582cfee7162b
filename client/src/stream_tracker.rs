use tribune_protocol::{
    ApplyError, ControlMessage, Event, EventKind, GameId, Request, Seq, ServerLine, text::printable,
};

use crate::{position::Position, track_error::TrackError};

/// Tracks the stream of a game across connections, so that each event is shown once and in order.
///
/// It decides what to do with each line, and does no input or output itself. It keeps the state of the
/// game, and applies each event to it, so that a stream that contradicts itself is found.
#[derive(Clone, Debug, Default)]
pub struct StreamTracker {
    /// The position after the last event shown; `None` before the first state.
    position: Option<Position>,
    phase: Phase,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The connection is new: `welcome` is expected.
    #[default]
    Connected,
    /// The state after `welcome` is expected.
    Welcomed(GameId),
    /// Events are expected.
    Following,
    /// The events after the last one shown were requested. Events before the reply are from another
    /// position in the stream; so is the end of the game, which is sent again after the reply.
    Resuming,
    /// Events were missed: the state after them is expected.
    Resyncing,
}

/// What to do with a line.
#[derive(Clone, Debug)]
pub enum Action {
    /// Show it.
    Show,
    /// Show it: it is an event, but contradicts the state of the game. The events after it are not
    /// checked until the next state.
    ShowContradiction(ApplyError),
    /// Show it: it is the last one.
    ShowLast,
    /// Keep it: it is the end of the game, but the events requested before it have not arrived. Show
    /// it if the connection ends without them.
    Defer,
    /// Skip it.
    Skip,
    /// Skip it: the events after the last one shown follow.
    Resumed,
    /// Skip it, and send this request.
    Send(Request),
}

impl StreamTracker {
    /// Starts with a new connection.
    pub fn connected(&mut self) {
        self.phase = Phase::Connected;
    }

    /// Whether events are expected on this connection.
    pub fn is_following(&self) -> bool {
        self.phase == Phase::Following
    }

    /// Decides what to do with `line`.
    ///
    /// # Errors
    /// If the connection is of no further use.
    pub fn handle_line(&mut self, line: &ServerLine) -> Result<Action, TrackError> {
        match line {
            ServerLine::Control(ControlMessage::Closing { code, message }) => {
                Err(TrackError::Closing { code: *code, message: message.clone() })
            }
            ServerLine::Control(message) => self.handle_control(message),
            _ if self.phase == Phase::Connected => Err(TrackError::NoWelcome),
            ServerLine::Event(event) => self.handle_event(event),
            ServerLine::Unknown => Ok(Action::Skip),
        }
    }

    fn handle_control(&mut self, message: &ControlMessage) -> Result<Action, TrackError> {
        match (&self.phase, message) {
            (Phase::Connected, ControlMessage::Welcome(welcome)) => {
                Ok(self.handle_welcome(&welcome.game))
            }
            (Phase::Connected, _) => Err(TrackError::NoWelcome),
            (Phase::Welcomed(game), ControlMessage::State(state)) => {
                self.position = Some(Position::new(game.clone(), state.clone()));
                self.phase = Phase::Following;
                Ok(Action::Show)
            }
            (Phase::Resuming, ControlMessage::Resumed { .. }) => {
                self.phase = Phase::Following;
                Ok(Action::Resumed)
            }
            // No other request can be the reason.
            (Phase::Resuming, ControlMessage::Error { message, .. }) => {
                Err(TrackError::NotResumed(printable(message).into_owned()))
            }
            (Phase::Resuming | Phase::Following, ControlMessage::Resync { .. }) => {
                self.phase = Phase::Resyncing;
                Ok(Action::Show)
            }
            (Phase::Resyncing, ControlMessage::State(state)) => {
                if let Some(position) = &mut self.position {
                    *position = Position::new(position.game().clone(), state.clone());
                }
                self.phase = Phase::Following;
                Ok(Action::Show)
            }
            (Phase::Resuming, ControlMessage::State(_)) => Ok(Action::Skip),
            _ => Ok(Action::Show),
        }
    }

    fn handle_welcome(&mut self, game: &GameId) -> Action {
        match &self.position {
            Some(position) if position.game() == game => {
                self.phase = Phase::Resuming;
                Action::Send(Request::Resume { game: game.clone(), after: position.seq() })
            }
            _ => {
                self.phase = Phase::Welcomed(game.clone());
                Action::Show
            }
        }
    }

    fn handle_event(&mut self, event: &Event) -> Result<Action, TrackError> {
        match (&self.phase, &event.kind) {
            // The server sends the end again after its reply.
            (Phase::Resuming, EventKind::Bye { .. }) => return Ok(Action::Defer),
            (Phase::Resuming, _) => return Ok(Action::Skip),
            _ => {}
        }
        let (Phase::Following, Some(position)) = (&self.phase, &mut self.position) else {
            return Err(TrackError::Gap { got: event.seq, expected: self.next() });
        };
        Ok(match (position.advance(event)?, &event.kind) {
            (_, EventKind::Bye { .. }) => Action::ShowLast,
            (Some(contradiction), _) => Action::ShowContradiction(contradiction),
            (None, _) => Action::Show,
        })
    }

    /// How many events before `last` were not shown.
    pub fn missing_before(&self, last: Seq) -> u64 {
        last.since(self.next())
    }

    /// The event after the last one shown.
    fn next(&self) -> Seq {
        self.position.as_ref().map_or(Seq(1), |position| position.seq().next())
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

    fn handle(tracker: &mut StreamTracker, line: &str) -> Result<Action, TrackError> {
        tracker.handle_line(&ServerLine::parse(line.as_bytes()).unwrap())
    }

    /// The lines that are shown.
    fn shown(tracker: &mut StreamTracker, lines: &[String]) -> Vec<String> {
        let show =
            |line: &&String| matches!(handle(tracker, line), Ok(Action::Show | Action::ShowLast));
        lines.iter().filter(show).cloned().collect()
    }

    fn following(game: &str, seq: u64) -> StreamTracker {
        let mut tracker = StreamTracker::default();
        shown(&mut tracker, &[welcome(game), state(seq)]);
        assert!(tracker.is_following());
        tracker
    }

    #[test]
    fn shows_everything_from_welcome_to_bye() {
        let lines = [welcome("g"), state(3), tick(4), tick(5)];
        let mut tracker = StreamTracker::default();
        assert_eq!(shown(&mut tracker, &lines), lines);
        assert!(matches!(handle(&mut tracker, &bye(6)), Ok(Action::ShowLast)));
    }

    #[test]
    fn resumes_a_running_game_and_shows_nothing_twice() {
        let mut tracker = following("g", 3);
        shown(&mut tracker, &[tick(4)]);
        tracker.connected();
        let Ok(Action::Send(Request::Resume { game, after })) = handle(&mut tracker, &welcome("g"))
        else {
            panic!("expected a resume")
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
        assert_eq!(shown(&mut tracker, &lines), lines[3..]);
    }

    #[test]
    fn continues_from_the_state_after_a_resync() {
        let resync = r#"{"type":"resync","missed":90,"seq":94}"#.to_owned();
        let lines = [resync, state(94), tick(95)];
        let mut slow = following("g", 4);
        assert_eq!(shown(&mut slow, &lines), lines);
        let mut late = following("g", 4);
        late.connected();
        handle(&mut late, &welcome("g")).unwrap();
        assert_eq!(shown(&mut late, &lines), lines);
    }

    #[test]
    fn a_game_that_ends_before_it_is_resumed_is_shown_to_its_end() {
        let mut tracker = following("g", 4);
        tracker.connected();
        handle(&mut tracker, &welcome("g")).unwrap();
        assert!(matches!(handle(&mut tracker, &state(6)), Ok(Action::Skip)));
        assert!(matches!(handle(&mut tracker, &bye(7)), Ok(Action::Defer)));
        assert_eq!(tracker.missing_before(Seq(7)), 2, "if nothing more comes");
        let lines = [r#"{"type":"resumed","after":4}"#.into(), tick(5), tick(6)];
        assert_eq!(shown(&mut tracker, &lines), lines[1..]);
        assert!(matches!(handle(&mut tracker, &bye(7)), Ok(Action::ShowLast)));
        assert_eq!(tracker.missing_before(Seq(8)), 0);
    }

    #[test]
    fn a_game_that_ends_before_a_resync_is_shown_from_the_state_that_is_left() {
        let mut tracker = following("g", 4);
        tracker.connected();
        handle(&mut tracker, &welcome("g")).unwrap();
        assert!(matches!(handle(&mut tracker, &bye(90)), Ok(Action::Defer)));
        let lines = [r#"{"type":"resync","missed":85,"seq":89}"#.into(), state(89)];
        assert_eq!(shown(&mut tracker, &lines), lines);
        assert!(matches!(handle(&mut tracker, &bye(90)), Ok(Action::ShowLast)));
    }

    #[test]
    fn a_refused_resume_ends_the_connection() {
        let mut tracker = following("g", 4);
        tracker.connected();
        handle(&mut tracker, &welcome("g")).unwrap();
        let refused = r#"{"type":"error","code":"rate_limited","message":"later"}"#;
        let error = handle(&mut tracker, refused).unwrap_err();
        assert_eq!(error, TrackError::NotResumed("later".into()));
        assert!(error.is_worth_a_retry());
    }

    #[test]
    fn another_game_is_shown_from_its_state() {
        let mut tracker = following("g", 90);
        tracker.connected();
        let lines = [welcome("h"), state(2), tick(3)];
        assert_eq!(shown(&mut tracker, &lines), lines);
    }

    #[test]
    fn a_gap_is_an_error() {
        let mut tracker = following("g", 3);
        let error = handle(&mut tracker, &tick(5)).unwrap_err();
        assert_eq!(error, TrackError::Gap { got: Seq(5), expected: Seq(4) });
        assert!(error.is_worth_a_retry());
    }

    #[test]
    fn the_reason_for_closing_decides_about_a_retry() {
        let closing = |code: &str| format!(r#"{{"type":"closing","code":"{code}","message":"m"}}"#);
        let full = handle(&mut StreamTracker::default(), &closing("server_full")).unwrap_err();
        assert!(full.is_worth_a_retry());
        let slow = handle(&mut following("g", 1), &closing("slow_client")).unwrap_err();
        assert!(slow.is_worth_a_retry());
        for code in ["too_many_errors", "shutting_down", "unauthorized"] {
            let error = handle(&mut following("g", 1), &closing(code)).unwrap_err();
            assert!(!error.is_worth_a_retry(), "{code}");
        }
    }

    #[test]
    fn the_first_line_must_be_a_welcome() {
        assert!(matches!(
            handle(&mut StreamTracker::default(), &tick(1)),
            Err(TrackError::NoWelcome)
        ));
    }

    #[test]
    fn shows_replies_at_any_time_and_unknown_lines_never() {
        let mut tracker = following("g", 3);
        let pong = r#"{"type":"pong","id":1}"#.to_owned();
        let error = r#"{"type":"error","code":"bad_action","message":"m"}"#.to_owned();
        let lines = [pong.clone(), error.clone(), r#"{"type":"weather"}"#.into()];
        assert_eq!(shown(&mut tracker, &lines), [pong, error]);
        assert!(tracker.is_following());
    }

    #[test]
    fn an_event_that_contradicts_the_state_is_shown_and_the_stream_continues() {
        let left = |seq: u64| {
            format!(
                r#"{{"type":"left","seq":{seq},"ms":0,"player":9,"name":"ann","from":"tcp#1","reason":"x"}}"#
            )
        };
        let contradicts = |action| matches!(action, Ok(Action::ShowContradiction(_)));
        let mut tracker = following("g", 3);
        assert!(contradicts(handle(&mut tracker, &left(4))));
        assert_eq!(shown(&mut tracker, &[left(5), tick(6)]), [left(5), tick(6)]);
        // It is resumed after the last event shown, and checked again after the next state.
        tracker.connected();
        let resume = handle(&mut tracker, &welcome("g"));
        assert!(matches!(resume, Ok(Action::Send(Request::Resume { after: Seq(6), .. }))));
        let lines = [r#"{"type":"resync","missed":3,"seq":9}"#.into(), state(9)];
        assert_eq!(shown(&mut tracker, &lines), lines);
        assert!(contradicts(handle(&mut tracker, &left(10))));
    }
}

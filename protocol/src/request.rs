use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{error::Category, value::RawValue};

use crate::{
    Action, ActionSyntax, ErrorCode, GameId, MoveError, Name, PingId, PlayerAction, Seq, encode,
};

/// A line that a client sends.
#[derive(Clone, Debug)]
pub enum Request {
    /// An action of a player.
    Act(PlayerAction),
    /// An action of the player that acted last on this connection.
    ActAgain(Action),
    /// Request a `pong` with the same id.
    Ping {
        /// The id to return.
        id: PingId,
    },
    /// Request all events after `after`.
    Resume {
        /// The game that the events are of.
        game: GameId,
        /// The last event that the client has received.
        after: Seq,
    },
}

/// Why a line was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code, for programs.
    pub code: ErrorCode,
    /// What is wrong and what is expected, for people.
    pub message: String,
}

impl Refusal {
    /// A refusal with this `message`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl Request {
    /// Parses a line without its end, in a game with these `actions`. A blank line is no request:
    /// `None`.
    ///
    /// # Errors
    /// The refusal to reply with, if it is neither an action nor a command.
    pub fn parse(line: &[u8], actions: &ActionSyntax) -> Result<Option<Self>, Refusal> {
        let text = std::str::from_utf8(line)
            .map_err(|error| {
                let at = error.valid_up_to() + 1;
                Refusal::new(ErrorCode::NotUtf8, format!("invalid UTF-8: byte {at} of the line"))
            })?
            .trim();
        if text.is_empty() {
            Ok(None)
        } else if text.starts_with('{') {
            Fields::parse(text)?.into_request(actions).map(Some)
        } else {
            Self::parse_action(text, actions).map(Some)
        }
    }

    fn parse_action(text: &str, actions: &ActionSyntax) -> Result<Self, Refusal> {
        if let Some(action) = actions.action_without_name(text) {
            return Ok(Self::ActAgain(action));
        }
        actions.parse(text).map(Self::Act).map_err(|error| error.refusal)
    }

    /// Appends the request as a line to `out`, with its end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        enum Command<'a> {
            Ping { id: &'a PingId },
            Resume { game: &'a GameId, after: Seq },
        }
        match self {
            Self::Act(action) => out.extend_from_slice(format!("{action}\n").as_bytes()),
            Self::ActAgain(action) => out.extend_from_slice(format!("{action}\n").as_bytes()),
            Self::Ping { id } => encode(&Command::Ping { id }, out),
            Self::Resume { game, after } => encode(&Command::Resume { game, after: *after }, out),
        }
    }
}

/// The fields of all commands, of any type. They are checked once the command is known, so that errors
/// are in terms of the command.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    direction: Option<&'a RawValue>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    game: Option<&'a RawValue>,
    #[serde(borrow)]
    after: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Result<Self, Refusal> {
        serde_json::from_str(text).map_err(|error| {
            // The parser's own messages are in terms of Rust types.
            bad_line(match error.classify() {
                Category::Data => "invalid command: a field is there twice".to_owned(),
                Category::Eof => "incomplete JSON: the line ends too early".to_owned(),
                _ => format!("invalid JSON at byte {} of the line", error.column()),
            })
        })
    }

    fn into_request(self, actions: &ActionSyntax) -> Result<Request, Refusal> {
        match text_of(self.kind).as_deref() {
            Some("move") => {
                let Some(direction) = text_of(self.direction) else {
                    return Err(bad_direction("a move needs a direction: N, S, E or W"));
                };
                self.into_act(&direction, actions)
            }
            Some("action") => {
                let Some(action) = text_of(self.action) else {
                    return Err(bad_line("an action needs action, a string"));
                };
                self.into_act(&action, actions)
            }
            Some("ping") => {
                let id = self.id.map(RawValue::to_owned).and_then(PingId::new);
                let id = id.ok_or_else(|| bad_line("ping needs an id, a string or a number"))?;
                Ok(Request::Ping { id })
            }
            Some("resume") => self.into_resume(),
            Some(other) => Err(Refusal::new(
                ErrorCode::UnknownCommand,
                format!("unknown command {other:?}: expected move, action, ping or resume"),
            )),
            None => Err(bad_line("a command needs a type: move, action, ping or resume")),
        }
    }

    fn into_resume(self) -> Result<Request, Refusal> {
        let game = text_of(self.game)
            .ok_or_else(|| bad_line("resume needs game, a string, as welcome has it"))?;
        let after = self.after.and_then(|after| serde_json::from_str(after.get()).ok());
        let after = after
            .ok_or_else(|| bad_line("resume needs after, the number of the last event you have"))?;
        Ok(Request::Resume { game: GameId(game.into_owned()), after: Seq(after) })
    }

    fn into_act(self, action: &str, actions: &ActionSyntax) -> Result<Request, Refusal> {
        let action = actions.action(action).ok_or_else(|| actions.refusal(action))?;
        let Some(name) = self.name else {
            return Ok(Request::ActAgain(action));
        };
        let name = text_of(Some(name))
            .ok_or_else(|| Refusal::new(ErrorCode::BadName, "a name is a string"))?;
        let name = Name::try_from(&*name)
            .map_err(|error| Refusal::new(ErrorCode::BadName, error.to_string()))?;
        Ok(Request::Act(PlayerAction { action, name }))
    }
}

/// The text of a JSON string; `None` for any other value.
fn text_of(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(value?.get()).ok().map(|text| text.0)
}

fn bad_line(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::BadLine, message)
}

fn bad_direction(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::BadDirection, message)
}

impl From<MoveError> for Refusal {
    fn from(error: MoveError) -> Self {
        let code = match error {
            MoveError::Form => ErrorCode::BadLine,
            MoveError::Direction(_) => ErrorCode::BadDirection,
            MoveError::Name(_) => ErrorCode::BadName,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ActionPattern, Direction};

    fn parse(line: &str) -> Request {
        Request::parse(line.as_bytes(), &ActionSyntax::Directions).unwrap().unwrap()
    }

    fn code(line: impl AsRef<[u8]>) -> ErrorCode {
        Request::parse(line.as_ref(), &ActionSyntax::Directions).unwrap_err().code
    }

    #[test]
    fn a_move_has_three_forms() {
        for line in [
            "N ann",
            r#"{"type":"move","direction":"N","name":"ann"}"#,
            "n ann",
            r#"{"type":"move","direction":"n","name":"ann"}"#,
            r#" {"name":"ann","type":"move","direction":"N","x":1} "#,
        ] {
            let Request::Act(step) = parse(line) else { panic!("{line}") };
            assert_eq!(step.to_string(), "N ann");
        }
        for line in ["N", "n", " N ", r#"{"type":"move","direction":"N"}"#] {
            assert!(
                matches!(parse(line), Request::ActAgain(Action::Move(Direction::North))),
                "{line}"
            );
        }
    }

    #[test]
    fn an_action_has_three_forms() {
        let actions = ActionSyntax::Pattern(ActionPattern::new("rock|[NS]").unwrap());
        let parse = |line: &str| Request::parse(line.as_bytes(), &actions).map(Option::unwrap);
        for line in ["rock ann", r#"{"type":"action","action":"rock","name":"ann"}"#] {
            let Ok(Request::Act(act)) = parse(line) else { panic!("{line}") };
            assert_eq!(act.to_string(), "rock ann");
        }
        for line in ["rock", r#"{"type":"action","action":"rock"}"#] {
            assert!(matches!(parse(line), Ok(Request::ActAgain(Action::Other(_)))), "{line}");
        }
        let step = parse(r#"{"type":"move","direction":"N","name":"ann"}"#);
        assert!(matches!(step, Ok(Request::Act(PlayerAction { action: Action::Move(_), .. }))));
        assert_eq!(parse("E ann").unwrap_err().code, ErrorCode::BadAction);
        assert_eq!(
            parse(r#"{"type":"action","name":"ann"}"#).unwrap_err().code,
            ErrorCode::BadLine
        );
    }

    #[test]
    fn a_ping_id_is_returned_byte_for_byte() {
        for id in ["1", "-1.50e3", r#""a\u00e9\"b""#, "123456789012345678901234567890"] {
            let Request::Ping { id: kept } = parse(&format!(r#"{{"type":"ping","id":{id}}}"#))
            else {
                panic!()
            };
            assert_eq!(kept.as_json(), id);
        }
    }

    #[test]
    fn a_resume_names_a_game_and_an_event() {
        let Request::Resume { game, after } =
            parse(r#"{"type":"resume","game":"k3v9q2","after":17}"#)
        else {
            panic!()
        };
        assert_eq!((game.0.as_str(), after), ("k3v9q2", Seq(17)));
    }

    #[test]
    fn refusals_have_a_code_and_a_reason() {
        let cases = [
            ("hello", ErrorCode::BadLine),
            ("{", ErrorCode::BadLine),
            ("[1]", ErrorCode::BadLine),
            ("{}", ErrorCode::BadLine),
            (r#"{"type":5}"#, ErrorCode::BadLine),
            (r#"{"type":"ping"}"#, ErrorCode::BadLine),
            (r#"{"type":"ping","id":[1]}"#, ErrorCode::BadLine),
            (r#"{"type":"resume","after":1}"#, ErrorCode::BadLine),
            (r#"{"type":"resume","game":"x"}"#, ErrorCode::BadLine),
            (r#"{"type":"resume","game":"x","after":-1}"#, ErrorCode::BadLine),
            (r#"{"type":"dance"}"#, ErrorCode::UnknownCommand),
            ("X ann", ErrorCode::BadDirection),
            (r#"{"type":"ping","type":"ping","id":1}"#, ErrorCode::BadLine),
            (r#"{"type":"resume","game":7,"after":1}"#, ErrorCode::BadLine),
            (r#"{"type":"move","direction":"x","name":"ann"}"#, ErrorCode::BadDirection),
            (r#"{"type":"move","direction":5,"name":"ann"}"#, ErrorCode::BadDirection),
            (r#"{"type":"move","name":"ann"}"#, ErrorCode::BadDirection),
            ("N a!", ErrorCode::BadName),
            (r#"{"type":"move","direction":"N","name":""}"#, ErrorCode::BadName),
            (r#"{"type":"move","direction":"N","name":7}"#, ErrorCode::BadName),
        ];
        for (line, want) in cases {
            assert_eq!(code(line), want, "{line}");
        }
        assert_eq!(code(b"N \xff"), ErrorCode::NotUtf8);
    }

    #[test]
    fn refusals_are_in_terms_of_the_line() {
        let message =
            |line: &[u8]| Request::parse(line, &ActionSyntax::Directions).unwrap_err().message;
        assert_eq!(message(b"N \xff"), "invalid UTF-8: byte 3 of the line");
        assert_eq!(message(b"{\"type\":}"), "invalid JSON at byte 9 of the line");
        assert_eq!(
            message(b"{\"type\":5}"),
            "a command needs a type: move, action, ping or resume"
        );
        assert_eq!(
            message(br#"{"type":"resume","game":"x","after":-1}"#),
            "resume needs after, the number of the last event you have"
        );
        assert_eq!(message(b"X ann"), "invalid direction \"X\": expected N, S, E or W");
    }

    #[test]
    fn a_blank_line_is_no_request() {
        assert!(Request::parse(b"", &ActionSyntax::Directions).unwrap().is_none());
        assert!(Request::parse(b" \t", &ActionSyntax::Directions).unwrap().is_none());
    }

    #[test]
    fn requests_round_trip_through_their_lines() {
        let lines = [
            "N ann\n",
            "W\n",
            "{\"type\":\"ping\",\"id\":3}\n",
            "{\"type\":\"resume\",\"game\":\"g\",\"after\":2}\n",
        ];
        for line in lines {
            let mut written = Vec::new();
            parse(line.trim_end()).encode(&mut written);
            assert_eq!(String::from_utf8(written).unwrap(), line);
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Request::parse(&line, &ActionSyntax::Directions);
        }

        #[test]
        fn no_object_causes_a_panic(kind in "move|ping|resume|x", value in "[\"\\[\\]{}:,0-9a-zN\\\\-]{0,20}") {
            let _ = Request::parse(format!(r#"{{"type":"{kind}","direction":{value},"id":{value}}}"#).as_bytes(), &ActionSyntax::Directions);
        }
    }
}

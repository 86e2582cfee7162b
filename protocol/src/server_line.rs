use serde::Serialize;
use serde_json::error::Category;
use thiserror::Error;

use crate::{ControlMessage, Event, EventKind, escape::escape_json_from};

/// A line that a server sends.
#[derive(Clone, Debug)]
pub enum ServerLine {
    /// An event, part of the stream. One of a type that this version does not know is
    /// [`EventKind::Unknown`].
    Event(Event),
    /// A line for this client alone.
    Control(ControlMessage),
    /// A line of a type that this version does not know, and that is not an event: to be ignored.
    Unknown,
}

/// A line that cannot be read.
#[derive(Debug, Error)]
#[error("the server sent a line that cannot be read: {problem} in {line:?}")]
pub struct UnreadableLine {
    /// What is wrong.
    problem: String,
    /// Its beginning.
    line: String,
}

impl ServerLine {
    /// Parses a line without its end.
    ///
    /// # Errors
    /// If it is not JSON, has no `type`, or lacks a field that its type has.
    pub fn parse(line: &[u8]) -> Result<Self, UnreadableLine> {
        Self::read(line).map_err(|error| UnreadableLine {
            problem: problem(&error),
            line: String::from_utf8_lossy(&line[..line.len().min(100)]).into_owned(),
        })
    }

    /// The types of lines are named only in the two enums: a type in neither is unknown.
    fn read(line: &[u8]) -> serde_json::Result<Self> {
        match serde_json::from_slice(line)? {
            ControlMessage::Unknown => Self::read_event(line),
            control => Ok(Self::Control(control)),
        }
    }

    fn read_event(line: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(line).map(Self::Event).or_else(|error| {
            // An unknown line that has no `seq` or `ms` is not an event.
            match serde_json::from_slice(line)? {
                EventKind::Unknown => Ok(Self::Unknown),
                _ => Err(error),
            }
        })
    }
}

/// Describes `error` in terms of the line rather than of Rust types.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match error.classify() {
        Category::Data if text.starts_with("missing field") => text,
        Category::Data => "a field has an invalid value".to_owned(),
        _ => format!("invalid JSON at byte {}", error.column()),
    }
}

/// Appends `message` to `out` as a line, with its end.
///
/// All of it is [printable](crate::is_printable): other characters become JSON escapes, so that a line
/// can be shown unchanged.
pub fn encode(message: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    serde_json::to_writer(&mut *out, message)
        .expect("a message has only strings for keys, and writing to memory cannot fail");
    escape_json_from(start, out);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ActionSyntax, Request, Seq, is_printable};

    fn parse(line: &str) -> ServerLine {
        ServerLine::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_line_is_an_event_a_control_message_or_unknown() {
        assert!(matches!(
            parse(r#"{"type":"clock","seq":1,"ms":0,"clock":0}"#),
            ServerLine::Event(_)
        ));
        assert!(matches!(
            parse(r#"{"after":3,"type":"resumed"}"#),
            ServerLine::Control(ControlMessage::Resumed { .. })
        ));
        assert!(matches!(
            parse(r#"{"type":"pong","id":"x"}"#),
            ServerLine::Control(ControlMessage::Pong { .. })
        ));
        assert!(matches!(parse(r#"{"type":"weather","wind":"E"}"#), ServerLine::Unknown));
    }

    #[test]
    fn an_event_of_an_unknown_type_keeps_its_place_in_the_stream() {
        assert!(matches!(
            parse(r#"{"type":"weather","seq":4,"ms":7,"wind":"E"}"#),
            ServerLine::Event(Event { seq: Seq(4), ms: 7, kind: EventKind::Unknown })
        ));
    }

    #[test]
    fn ignores_fields_of_later_versions() {
        assert!(matches!(
            parse(r#"{"type":"clock","seq":1,"ms":0,"clock":0,"new":[{}]}"#),
            ServerLine::Event(_)
        ));
    }

    #[test]
    fn errors_quote_the_unreadable_line() {
        for line in ["", "hello", "{}", r#"{"type":"clock","seq":1}"#] {
            let error = ServerLine::parse(line.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(&format!("{line:?}")), "{error}");
        }
        let problem = |line: &str| ServerLine::parse(line.as_bytes()).unwrap_err().problem;
        assert_eq!(problem("hello"), "invalid JSON at byte 1");
        assert!(problem(r#"{"type":"clock","seq":1,"clock":1}"#).contains("missing field `ms`"));
        assert_eq!(
            problem(r#"{"type":"clock","seq":"x","ms":0,"clock":1}"#),
            "a field has an invalid value"
        );
    }

    proptest! {
        #[test]
        fn lines_are_printable_and_round_trip(text in ".*") {
            let mut out = Vec::new();
            let message = text.clone();
            encode(&ControlMessage::Error { code: crate::ErrorCode::BadLine, message }, &mut out);
            let line = String::from_utf8(out).unwrap();
            prop_assert!(line.trim_end_matches('\n').chars().all(is_printable), "{line:?}");
            let ServerLine::Control(ControlMessage::Error { message, .. }) = parse(&line) else { panic!() };
            prop_assert_eq!(message, text);
        }
    }

    #[test]
    fn returned_ids_are_printable() {
        let request = Request::parse(
            "{\"type\":\"ping\",\"id\":\"\u{9b}2J\u{202e}\"}".as_bytes(),
            &ActionSyntax::Directions,
        );
        let Ok(Some(Request::Ping { id })) = request else { panic!("{request:?}") };
        let mut out = Vec::new();
        encode(&ControlMessage::Pong { id }, &mut out);
        assert_eq!(out, b"{\"type\":\"pong\",\"id\":\"\\u009b2J\\u202e\"}\n");
    }

    #[test]
    fn a_message_is_encoded_as_one_line() {
        let mut out = Vec::new();
        encode(
            &ControlMessage::Error { code: crate::ErrorCode::BadLine, message: "a\nb\r".into() },
            &mut out,
        );
        assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 1);
        assert_eq!(out.last(), Some(&b'\n'));
    }
}

//! The examples of `docs/protocol.md` agree with the code.

use std::fs;

use serde_json::Value;
use tribune_protocol::{
    ActionPattern, ActionSyntax, ClosingCode, ErrorCode, Request, ServerLine, encode,
};

fn document() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md")).unwrap()
}

/// The lines of all code blocks of the kind `fence`.
fn examples(document: &str, fence: &str) -> Vec<String> {
    let opening = format!("```{fence}\n");
    let blocks = document.split(&opening).skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines.map(str::to_owned).collect()
}

#[test]
fn lines_of_the_server_round_trip() {
    let examples = examples(&document(), "json server");
    assert!(examples.len() > 15, "only {} examples were found", examples.len());
    for line in examples {
        let mut written = Vec::new();
        match ServerLine::parse(line.as_bytes()).unwrap() {
            ServerLine::Event(event) => encode(&event, &mut written),
            ServerLine::Control(message) => encode(&message, &mut written),
            ServerLine::Unknown => panic!("unknown type in {line}"),
        }
        let (read, written): (Value, Value) =
            (serde_json::from_str(&line).unwrap(), serde_json::from_slice(&written).unwrap());
        assert_eq!(read, written);
    }
}

#[test]
fn lines_of_a_client_round_trip() {
    let examples = examples(&document(), "text client");
    assert!(examples.len() >= 6, "only {} examples were found", examples.len());
    for line in examples {
        let request = Request::parse(line.as_bytes(), &ActionSyntax::Directions).unwrap().unwrap();
        let mut written = Vec::new();
        request.encode(&mut written);
        let again =
            Request::parse(written.trim_ascii_end(), &ActionSyntax::Directions).unwrap().unwrap();
        assert_eq!(format!("{request:?}"), format!("{again:?}"));
    }
}

#[test]
fn actions_of_a_client_round_trip() {
    let actions = ActionSyntax::Pattern(ActionPattern::new("rock|paper|scissors").unwrap());
    let examples = examples(&document(), "text action");
    assert_eq!(examples.len(), 3);
    for line in examples {
        let request = Request::parse(line.as_bytes(), &actions).unwrap().unwrap();
        let mut written = Vec::new();
        request.encode(&mut written);
        let again = Request::parse(written.trim_ascii_end(), &actions).unwrap().unwrap();
        assert_eq!(format!("{request:?}"), format!("{again:?}"));
    }
}

#[test]
fn every_type_and_code_is_documented() {
    let document = document();
    let errors = ErrorCode::ALL.iter().map(ErrorCode::to_string);
    let closings = ClosingCode::ALL.iter().map(ClosingCode::to_string);
    for code in errors.chain(closings) {
        assert!(document.contains(&format!("| `{code}` |")), "{code} is not in a table");
    }
    let types = "welcome state clock started joined move action turn round result paused continued output left exited bye error pong resumed resync closing";
    for kind in types.split_whitespace() {
        assert!(document.contains(&format!(r#"{{"type":"{kind}""#)), "{kind} has no example");
    }
}

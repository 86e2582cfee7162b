//! The demonstration that runs without arguments.

use std::collections::BTreeMap;

use serde_json::Value;
use tribune_tests::Server;

use crate::console::console_of;

/// The events of `kind`.
fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn default_run_is_as_documented_and_its_console_and_stream_agree() {
    let (events, finished) = Server::whole_game(&[]);
    assert_eq!(finished.out, console_of(&events));
    assert_eq!(finished.out.last().map(String::as_str), Some("no process left - bye"));

    let started: Vec<&Value> = of(&events, "started");
    let labels: Vec<&Value> = started.iter().map(|event| &event["label"]).collect();
    assert_eq!(labels, ["ps#1 (predef 1)", "ps#2 (predef 2)", "ps#3 (predef 3)"]);
    for (event, due) in started.iter().zip([500, 1000, 6000]) {
        assert!(event["ms"].as_u64() >= Some(due), "{event} before {due} ms");
    }

    let mut moves = BTreeMap::new();
    for event in of(&events, "move") {
        *moves.entry((event["from"].to_string(), event["name"].to_string())).or_insert(0) += 1;
    }
    let moves: Vec<(&str, &str, u32)> = moves
        .iter()
        .map(|((from, name), count)| (from.trim_matches('"'), name.trim_matches('"'), *count))
        .collect();
    assert_eq!(
        moves,
        [
            ("ps#1", "john", 3),
            ("ps#1", "mary", 7),
            ("ps#2", "bill", 5),
            ("ps#2", "jane", 4),
            ("ps#3", "augustin", 8),
            ("ps#3", "randalphe", 10),
        ]
    );

    let clocks = of(&events, "clock");
    assert_eq!(clocks[0]["ms"], 0);
    for (tick, event) in clocks.iter().enumerate() {
        assert_eq!(event["clock"], tick);
        assert!(event["ms"].as_u64() >= Some(1000 * tick as u64), "{event} is early");
    }
    let end = events.last().unwrap()["ms"].as_u64().unwrap();
    assert_eq!(end / 1000, clocks.len() as u64 - 1, "the clock did not tick to the end");

    for event in of(&events, "move") {
        assert!(
            event["x"].as_u64() < Some(32) && event["y"].as_u64() < Some(16),
            "{event} is off the board"
        );
    }
    assert!(finished.err.iter().any(|line| line.contains("client") && line.contains("watch")));
}

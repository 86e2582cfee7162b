//! Programs that misbehave, while the game goes on.

use std::fs;

use serde_json::{Value, json};
use tempfile::tempdir;
use tribune_tests::Server;

use crate::misbehave;

/// All events of a game whose only program is `misbehave` with the arguments `mode`.
fn events(mode: &str, args: &[&str]) -> Vec<Value> {
    let agent = misbehave(mode);
    let (events, _) =
        Server::whole_game(&[&["--script", "0.3:1", "--agent", &agent], args].concat());
    assert_eq!(events.last().unwrap()["reason"], "no process left");
    events
}

fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["type"] == kind).count()
}

#[test]
fn every_move_of_a_flood_is_made() {
    let events = events("flood 30000", &["--log-bytes", "64MiB", "--output-rate", "0"]);
    assert_eq!(count(&events, "move"), 30_000);
    let left = events.iter().find(|event| event["type"] == "left").unwrap();
    assert_eq!(left["name"], "noah");
}

#[test]
fn clock_and_other_players_go_on_during_a_flood() {
    let agent = misbehave("flood 100000000");
    let server = Server::start(&["--script", "0:1", "--agent", &agent, "--tick", "50ms", "--stay"]);
    let mut player = server.join();
    player.wait_for(|line| line["type"] == "move");
    player.send("E ann\n");
    let lines = player.until(|line| line["name"] == "ann" && line["type"] == "move");
    let more = player.until(|line| line["type"] == "clock");
    assert!(count(&lines, "move") < 100_000, "ann has waited for {} moves of others", lines.len());
    drop(more);
    server.signal(rustix::process::Signal::INT);
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn first_line_that_is_nearly_a_move_is_explained() {
    let agent = "sh -c 'echo hello there; echo x ann; echo N; echo y ann; read line'";
    let server = Server::start(&["--script", "0:1", "--agent", agent]);
    let hint = server.wait_for_err(|line| line.contains("which is refused"));
    assert!(hint.contains(r#"ps#1 printed "x ann""#) && hint.contains("N, S, E or W"), "{hint}");
    server.signal(rustix::process::Signal::INT);
    let more = server.finish().err;
    assert!(
        !more.iter().any(|line| line.contains("which is refused")),
        "a second line was explained: {more:?}"
    );
}

/// A bot that prints a move, two other lines, and the code of the first `error` that it reads.
const PRINTS_ITS_ERROR: &str = r#"
import json, sys
print("N ann\nN dbg hello\nhello there")
for line in sys.stdin:
    line = json.loads(line)
    if line["type"] == "error":
        print("read", line["code"])
        break
"#;

#[test]
fn refused_lines_are_answered_on_standard_input_and_marked_as_refused() {
    let folder = tempdir().unwrap();
    let bot = folder.path().join("bot.py");
    fs::write(&bot, PRINTS_ITS_ERROR).unwrap();
    let agent = format!("python3 '{}'", bot.display());
    let (events, finished) = Server::whole_game(&["--script", "0.3:1", "--agent", &agent]);
    let outputs: Vec<(&Value, &Value)> = events
        .iter()
        .filter(|event| event["type"] == "output")
        .map(|event| (&event["line"], &event["refused"]))
        .collect();
    let [bad_name, none] = [json!("bad_name"), Value::Null];
    let lines = ["N dbg hello", "hello there", "read bad_name"].map(|line| json!(line));
    assert_eq!(outputs, [(&lines[0], &bad_name), (&lines[1], &none), (&lines[2], &none)]);
    let shown: Vec<&str> =
        finished.out.iter().filter(|line| line.starts_with("  ")).map(|line| line.trim()).collect();
    assert_eq!(
        shown,
        [
            "got `N ann` from ps#1 (predef 1)",
            "refused `N dbg hello` from ps#1 (predef 1) (bad_name)",
            "output `hello there` from ps#1 (predef 1)",
            "output `read bad_name` from ps#1 (predef 1)",
        ]
    );
}

#[test]
fn line_of_a_megabyte_is_cut() {
    let events = events("endless-line", &[]);
    let output = events.iter().find(|event| event["type"] == "output").unwrap();
    assert_eq!(output["line"], "x".repeat(1024));
    assert_eq!(output["cut"], true);
    assert_eq!((count(&events, "output"), count(&events, "move")), (1, 1));
}

#[test]
fn invalid_utf8_is_shown_with_replacement_characters() {
    let events = events("not-utf8", &[]);
    let lines: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "output")
        .map(|event| &event["line"])
        .collect();
    assert_eq!(lines, ["caf\u{fffd} \u{fffd}", "N \u{fffd}"]);
    let moves: Vec<&Value> =
        events.iter().filter(|event| event["type"] == "move").map(|event| &event["name"]).collect();
    assert_eq!(moves, ["plain"]);
}

#[test]
fn standard_error_is_shown_and_makes_no_moves() {
    let events = events("stderr", &[]);
    let outputs: Vec<(&Value, &Value)> = events
        .iter()
        .filter(|event| event["type"] == "output")
        .map(|event| (&event["stream"], &event["line"]))
        .collect();
    let stderr = json!("stderr");
    assert_eq!(outputs, [(&stderr, &json!("N oops")), (&stderr, &json!("it hurts"))]);
    assert_eq!(count(&events, "move"), 0);
}

#[test]
fn players_of_a_program_that_closes_its_output_stay_in_the_game() {
    let agent = "sh -c 'printf \"N a\\nN b\\n\"; exec 1>&- 2>&-; while read line; do :; done'";
    let server =
        Server::start(&["--script", "0:1", "--agent", agent, "--max-players-total", "2", "--stay"]);
    let mut client = server.join();
    while client.state["players"].as_array().unwrap().len() < 2 {
        client = server.join();
    }
    // After two ticks the server has read the end of the outputs.
    client.wait_for(|line| line["type"] == "clock");
    client.wait_for(|line| line["type"] == "clock");
    client.send("N c\n");
    assert_eq!(client.wait_for(|line| line["type"] == "error")["code"], "too_many_players");
}

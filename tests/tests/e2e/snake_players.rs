//! Snake, played by the built-in players and over TCP.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, from_value, json};
use tribune_protocol::{Event, State};
use tribune_tests::{Server, Spectator, seq};

fn is(line: &Value, kind: &str) -> bool {
    line["type"] == kind
}

/// Whether something of `field` changed in a turn.
fn turn_with(line: &Value, field: &str) -> bool {
    is(line, "turn") && line[field].is_array()
}

/// Sends `line` again with each tick of the clock, until the event of `kind` that answers it.
fn send_until(player: &mut Spectator, line: &str, kind: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    loop {
        player.send(line);
        let more = player.until(|line| is(line, kind) || is(line, "clock"));
        let is_found = more.last().is_some_and(|line| is(line, kind));
        lines.extend(more);
        if is_found {
            return lines;
        }
    }
}

#[test]
fn the_demonstration_plays_by_itself_and_every_state_follows_from_the_events() {
    let server = Server::start(&["--game", "snake", "--turn", "20ms", "--seed", "7"]);
    let mut first = server.join();
    assert_eq!(first.welcome["rules"], "snake");
    let mut state: State = from_value(first.state.clone()).unwrap();
    let mut lines = Vec::new();
    for field in ["cells", "scores", "out"] {
        lines.extend(first.until(|line| turn_with(line, field)));
    }
    let late = server.join();
    if lines.last().and_then(seq) < Some(late.start()) {
        lines.extend(first.until(|line| seq(line) == Some(late.start())));
    }
    for line in lines.iter().filter(|line| seq(line) <= Some(late.start())) {
        state.apply(&from_value::<Event>(line.clone()).unwrap()).unwrap();
    }
    // The time goes on without events, too.
    let late_state: State = from_value(late.state.clone()).unwrap();
    assert_eq!(State { ms: late_state.ms, ..state.clone() }, late_state);
    let names: BTreeSet<&str> = state.players.iter().map(|player| player.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["cara", "cleo", "gus", "wanda"]));
    server.signal(Signal::TERM);
    let end = first.rest();
    assert!(end.iter().any(|line| is(line, "result")) && is(end.last().unwrap(), "bye"), "{end:?}");
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn a_player_that_ran_into_itself_gets_the_reason_and_can_come_back_later() {
    // A snake of three cells has no room on a board of two.
    let board = ["--board", "2x1", "--script", "", "--stay", "--turn", "20ms", "--tick", "100ms"];
    let server = Server::start(&[&["--game", "snake"], &board[..]].concat());
    let mut player = server.join();
    player.send("E ann\n");
    let joined = player.wait_for(|line| is(line, "joined"));
    let ann = &joined["player"];
    let out = player.wait_for(|line| turn_with(line, "out"));
    assert_eq!(out["out"], json!([[ann, "ran into itself"]]));
    assert!(out["cells"].as_array().unwrap().iter().all(|cell| cell[2] == ""), "{out}");
    assert_eq!(server.join().state["players"][0]["alive"], false);

    let lines = send_until(&mut player, "W ann\n", "move");
    let refused: Vec<&Value> = lines.iter().filter(|line| is(line, "error")).collect();
    assert_eq!(refused[0]["code"], "bad_action");
    let message = refused[0]["message"].as_str().unwrap();
    assert!(message.starts_with("ann is out, and can come back in "), "{message}");
    let entered = player.wait_for(|line| turn_with(line, "cells"));
    assert!(entered["cells"].as_array().unwrap().iter().any(|cell| &cell[3] == ann), "{entered}");
}

#[test]
fn matches_have_rounds_with_results_and_end() {
    let game = ["--game", "snake", "--no-respawn", "--rounds", "2", "--turns", "60"];
    let board = ["--board", "9x1", "--turn", "20ms", "--players", "2", "--script", "", "--stay"];
    let server = Server::start(&[&game[..], &board].concat());
    let mut players = server.join();
    players.send("E ann\nW bob\n");
    let lines = players.rest();
    let rounds: Vec<&Value> =
        lines.iter().filter(|line| is(line, "round") || is(line, "result")).collect();
    // The first round may have begun before they joined.
    let kinds: Vec<&Value> = rounds.iter().rev().take(3).map(|line| &line["type"]).collect();
    assert_eq!(kinds, ["result", "round", "result"]);
    for result in rounds.iter().filter(|line| is(line, "result")) {
        let ranking = result["ranking"].as_array().unwrap();
        let names: BTreeSet<&str> =
            ranking.iter().map(|place| place["name"].as_str().unwrap()).collect();
        assert_eq!(names, BTreeSet::from(["ann", "bob"]));
        assert_eq!(ranking[0]["rank"], 1);
    }
    assert_eq!(lines.last().unwrap()["reason"], "2 rounds played");
    assert_eq!(server.finish().code(), Some(0));
}

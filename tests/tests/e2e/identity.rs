//! Who a player is.

use std::collections::BTreeSet;

use serde_json::Value;
use tribune_tests::{Server, eventually};

fn is_move_of(line: &Value, from: &Value) -> bool {
    line["type"] == "move" && line["from"] == *from
}

#[test]
fn directions_are_capital_or_small_letters_wherever_they_come_from() {
    let agent = "sh -c 'read line; echo n ann; echo S ann; read line; sleep 100'";
    let server = Server::start(&["--script", "0:1", "--stay", "--agent", agent]);
    let mut player = server.join();
    player.send("e bob\nw\n{\"type\":\"move\",\"direction\":\"s\",\"name\":\"bob\"}\nN\n");
    let is_move = |line: &Value| line["type"] == "move";
    let mut lines = Vec::new();
    // The program's two may be in the state already.
    while lines.iter().filter(|line| is_move(line) && line["name"] == "bob").count() < 4 {
        lines.extend(player.until(is_move));
    }
    assert!(lines.iter().all(|line| line["type"] != "error"), "{lines:?}");
    let bob = lines.iter().filter(|line| is_move(line) && line["name"] == "bob");
    let directions: Vec<&Value> = bob.map(|line| &line["direction"]).collect();
    assert_eq!(directions, ["E", "W", "S", "N"]);
    let moves_of_ann = || {
        let state = server.join().state;
        let ann = state["players"].as_array()?.iter().find(|player| player["name"] == "ann")?;
        ann["moves"].as_u64()
    };
    eventually("the program has moved twice", || (moves_of_ann()? == 2).then_some(()));
}

#[test]
fn two_origins_with_the_same_name_are_two_players() {
    let server = Server::start(&["--script", "", "--stay"]);
    let (mut one, mut two) = (server.join(), server.join());
    let (from_one, from_two) = (one.welcome["you"].clone(), two.welcome["you"].clone());
    one.send("N john\n");
    let first = one.wait_for(|line| is_move_of(line, &from_one));
    two.send("E john\n");
    let lines = one.until(|line| is_move_of(line, &from_two));
    let second = lines.last().unwrap();
    assert_eq!((&first["name"], &second["name"]), (&second["name"], &first["name"]));
    assert_ne!(first["player"], second["player"]);
    let joined = lines.iter().find(|line| line["type"] == "joined").unwrap();
    assert_eq!((&joined["player"], &joined["from"]), (&second["player"], &from_two));

    // Each moves its own, and one that leaves takes only its own along.
    one.send("S\n");
    assert_eq!(
        two.wait_for(|line| is_move_of(line, &from_one) && line["direction"] == "S")["player"],
        first["player"]
    );
    drop(one);
    let left = two.wait_for(|line| line["type"] == "left");
    assert_eq!((&left["player"], &left["from"]), (&first["player"], &from_one));
    let late = server.join();
    let players: BTreeSet<u64> = late.state["players"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["id"].as_u64().unwrap())
        .collect();
    assert_eq!(players, BTreeSet::from([second["player"].as_u64().unwrap()]));
}

#[test]
fn a_program_and_a_connection_with_the_same_name_are_two_players() {
    let server = Server::start(&["--script", "0:1", "--stay"]);
    let mut one = server.join();
    one.send("N john\n");
    let you = one.welcome["you"].clone();
    let lines = one.until(|line| line["type"] == "exited");
    let late = server.join();
    let johns: BTreeSet<String> = lines
        .iter()
        .chain(late.state["players"].as_array().unwrap())
        .filter(|line| line["name"] == "john" && line["type"] != "left")
        .map(|line| line["from"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(johns, BTreeSet::from(["ps#1".to_owned(), you.as_str().unwrap().to_owned()]));
    // The program has gone and has taken only its own along.
    let left: Vec<&Value> =
        late.state["players"].as_array().unwrap().iter().map(|player| &player["from"]).collect();
    assert_eq!(left, [&you]);
}

#[test]
fn a_line_that_was_cut_off_is_no_move() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let mut player = server.join();
    player.send("N ann\nN an");
    player.half_close();
    let lines = player.until(|line| line["type"] == "left");
    assert!(lines.iter().all(|line| line["name"].is_null() || line["name"] == "ann"), "{lines:?}");
}

#[test]
fn a_move_has_three_forms_over_tcp() {
    let server = Server::start(&["--script", "", "--stay"]);
    let mut player = server.join();
    let you = player.welcome["you"].clone();
    player.send("N ann\r\n\r\n{\"type\":\"move\",\"direction\":\"E\",\"name\":\"bob\"}\nS\n");
    let moves: Vec<(String, String)> = (0..3)
        .map(|_| player.wait_for(|line| is_move_of(line, &you)))
        .map(|line| {
            (
                line["direction"].as_str().unwrap().to_owned(),
                line["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let want = [("N", "ann"), ("E", "bob"), ("S", "bob")]
        .map(|(direction, name)| (direction.into(), name.into()));
    assert_eq!(moves, want);
}

#[test]
fn players_step_over_the_edges_of_the_board() {
    let server = Server::start(&["--script", "", "--stay", "--board", "3x2"]);
    let mut player = server.join();
    player.send("E ann\nE ann\nE ann\nE ann\nS ann\nS ann\n");
    let lines = player.until(|line| line["type"] == "move" && line["direction"] == "S");
    let at: Vec<(u64, u64)> = lines
        .iter()
        .filter(|line| line["type"] == "joined" || line["type"] == "move")
        .map(|line| (line["x"].as_u64().unwrap(), line["y"].as_u64().unwrap()))
        .collect();
    let (x, y) = at[0];
    assert_eq!(
        at[1..],
        [((x + 1) % 3, y), ((x + 2) % 3, y), (x, y), ((x + 1) % 3, y), ((x + 1) % 3, (y + 1) % 2)]
    );
}

#[test]
fn whoever_has_nothing_more_to_say_can_go_on_watching() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let mut player = server.join();
    player.send("N ann\n");
    player.half_close();
    let lines = player.until(|line| line["type"] == "left");
    assert!(lines.iter().any(|line| line["type"] == "move"));
    for _ in 0..5 {
        player.wait_for(|line| line["type"] == "clock");
    }
}

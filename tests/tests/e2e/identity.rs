//! The identity of players and the meaning of their moves.

use std::collections::BTreeSet;

use serde_json::Value;
use tribune_tests::{Server, eventually};

fn is_move_of(line: &Value, from: &Value) -> bool {
    line["type"] == "move" && line["from"] == *from
}

#[test]
fn directions_may_be_upper_or_lower_case_from_any_origin() {
    let agent = "sh -c 'read line; echo n ann; echo S ann; read line; sleep 100'";
    let server = Server::start(&["--script", "0:1", "--stay", "--agent", agent]);
    let mut player = server.join();
    player.send("e bob\nw\n{\"type\":\"move\",\"direction\":\"s\",\"name\":\"bob\"}\nN\n");
    let is_move = |line: &Value| line["type"] == "move";
    let mut lines = Vec::new();
    // The state may include the program's two moves already.
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
fn same_name_from_two_connections_is_two_players() {
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

    // Each connection moves its own player, and removes only its own when it closes.
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
fn same_name_from_a_program_and_a_connection_is_two_players() {
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
    // Only the players of the program have left with it.
    let left: Vec<&Value> =
        late.state["players"].as_array().unwrap().iter().map(|player| &player["from"]).collect();
    assert_eq!(left, [&you]);
}

#[test]
fn line_without_its_end_is_not_a_move() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let mut player = server.join();
    player.send("N ann\nN an");
    player.half_close();
    let lines = player.until(|line| line["type"] == "left");
    assert!(lines.iter().all(|line| line["name"].is_null() || line["name"] == "ann"), "{lines:?}");
}

#[test]
fn moves_over_tcp_have_three_forms() {
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
fn players_cross_the_edges_of_the_board() {
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
fn client_that_closes_its_sending_side_still_gets_the_stream() {
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

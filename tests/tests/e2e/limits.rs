//! Limits of a client, and the errors beyond them.

use serde_json::Value;
use tribune_tests::{Server, Spectator, eventually};

fn game_without_programs(args: &[&str]) -> Server {
    Server::start(&[&["--script", "", "--stay"], args].concat())
}

/// The code of the next error.
fn refusal(spectator: &mut Spectator) -> Value {
    spectator.wait_for(|line| line["type"] == "error")["code"].clone()
}

#[test]
fn invalid_lines_are_refused_with_their_codes_and_the_connection_stays_open() {
    let server = game_without_programs(&[]);
    let mut client = server.join();
    let long = [b"N ".as_slice(), &[b'x'; 2000], b"\n"].concat();
    let cases: [(&[u8], &str); 8] = [
        (b"what is this\n", "bad_line"),
        (b"N a!b\n", "bad_name"),
        (b"X ann\n", "bad_direction"),
        (&long, "line_too_long"),
        (b"N \xff\xfe\n", "not_utf8"),
        (b"N\n", "no_name_yet"),
        (b"{\"type\":\"dance\"}\n", "unknown_command"),
        (b"{\"type\":\n", "bad_line"),
    ];
    for (line, code) in cases {
        client.send(line);
        assert_eq!(refusal(&mut client), code, "{}", String::from_utf8_lossy(line));
    }
    client.send("N ann\n");
    client.wait_for(|line| line["type"] == "move");
}

#[test]
fn line_of_the_maximum_length_is_handled() {
    let server = game_without_programs(&[]);
    let mut client = server.join();
    let id = "x".repeat(1024 - r#"{"type":"ping","id":""}"#.len());
    client.send(format!("{{\"type\":\"ping\",\"id\":\"{id}\"}}\r\n"));
    assert_eq!(client.wait_for(|line| line["type"] == "pong")["id"], id);
    client.send(format!("{{\"type\":\"ping\",\"id\":\"{id}x\"}}\n"));
    assert_eq!(refusal(&mut client), "line_too_long");
}

#[test]
fn pong_is_sent_only_to_the_client_that_sent_the_ping() {
    let server = game_without_programs(&["--tick", "20ms"]);
    let (mut one, mut two) = (server.join(), server.join());
    one.send("{\"type\":\"ping\",\"id\":\"a\"}\n{\"type\":\"ping\",\"id\":-1.50}\n");
    assert_eq!(one.wait_for(|line| line["type"] == "pong")["id"], "a");
    assert_eq!(one.wait_for(|line| line["type"] == "pong")["id"], -1.5);
    let lines: Vec<Value> = (0..5).map(|_| two.next().unwrap()).collect();
    assert!(lines.iter().all(|line| line["type"] == "clock"), "{lines:?}");
}

#[test]
fn moves_beyond_the_rate_are_refused_and_the_others_made() {
    let server = game_without_programs(&["--move-rate", "10"]);
    let mut client = server.join();
    client.send("N ann\n".repeat(300) + "{\"type\":\"ping\",\"id\":1}\n");
    let lines = client.until(|line| line["type"] == "pong");
    let refusals: Vec<&Value> = lines.iter().filter(|line| line["type"] == "error").collect();
    assert!(refusals.iter().all(|line| line["code"] == "rate_limited"));
    // The burst is ten, and more became due while the others were read, which may take a while.
    let refused = refusals.len() as u64;
    assert!((100..=290).contains(&refused), "{refused} of 300 were refused");
    // After the pong, the game may still have moves in its mailbox that were sent before the ping.
    eventually("each move was either made or refused", || {
        let made = server.join().state["players"][0]["moves"].as_u64()?;
        (made + refused == 300).then_some(())
    });
}

#[test]
fn every_move_is_made_without_a_rate() {
    let server = game_without_programs(&["--move-rate", "0"]);
    let mut client = server.join();
    client.send("N ann\n".repeat(5000));
    let lines = client.until(|line| line["type"] == "move" && line["seq"].as_u64() >= Some(5000));
    assert!(lines.iter().all(|line| line["type"] != "error"));
}

#[test]
fn players_of_a_connection_are_limited() {
    let server = game_without_programs(&["--max-players", "2"]);
    let mut client = server.join();
    client.send("N a\nN b\nN c\nN a\n");
    assert_eq!(refusal(&mut client), "too_many_players");
}

#[test]
fn full_server_refuses_clients_until_one_leaves() {
    let server = game_without_programs(&["--max-clients", "2", "--tick", "20ms"]);
    let (one, mut two) = (server.join(), server.join());
    let mut three = Spectator::connect(server.address());
    let closing = three.next().unwrap();
    assert_eq!(
        (closing["type"].as_str(), closing["code"].as_str()),
        (Some("closing"), Some("server_full"))
    );
    assert_eq!(three.next(), None);
    two.wait_for(|line| line["type"] == "clock");
    drop(one);
    eventually("a client is accepted", || {
        let mut again = Spectator::connect(server.address());
        (again.next()?["type"] == "welcome").then_some(again)
    });
}

#[test]
fn full_server_evicts_a_half_closed_client() {
    let server = game_without_programs(&["--max-clients", "1", "--tick", "1h"]);
    let mut one = server.join();
    one.half_close();
    eventually("a client is accepted", || {
        let mut again = Spectator::connect(server.address());
        (again.next()?["type"] == "welcome").then_some(again)
    });
    let closing = one.rest().pop().unwrap();
    assert_eq!(
        (closing["type"].as_str(), closing["code"].as_str()),
        (Some("closing"), Some("server_full"))
    );
}

#[test]
fn client_with_too_many_errors_is_closed() {
    let server = game_without_programs(&[]);
    let mut client = server.join();
    client.send("nonsense\n".repeat(3000));
    let lines = client.rest();
    let closing = lines.last().unwrap();
    assert_eq!(
        (closing["type"].as_str(), closing["code"].as_str()),
        (Some("closing"), Some("too_many_errors"))
    );
    assert!(lines.iter().filter(|line| line["type"] == "error").count() >= 1000);
}

#[test]
fn full_server_accepts_a_client_right_after_another_has_left() {
    // With hardly any ticks the server does not write to connections that were closed.
    let server = game_without_programs(&["--max-clients", "1", "--tick", "1h"]);
    for _ in 0..50 {
        // The client is dropped, and its connection closed, before the next connects.
        server.join();
    }
}

#[test]
fn full_server_evicts_as_many_half_closed_clients_as_connect_at_once() {
    let server = game_without_programs(&["--max-clients", "100", "--tick", "1h"]);
    let mut half_closed: Vec<Spectator> = (0..100).map(|_| server.join()).collect();
    for client in &mut half_closed {
        client.send("N ann\n");
        client.half_close();
    }
    // Their players leave when the server has read the end of their input.
    for _ in 0..100 {
        half_closed[0].wait_for(|line| line["type"] == "left");
    }
    let mut new: Vec<Spectator> = (0..100).map(|_| Spectator::connect(server.address())).collect();
    for client in &mut new {
        assert_eq!(client.next().unwrap()["type"], "welcome");
    }
}

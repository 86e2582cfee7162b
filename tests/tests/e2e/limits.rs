//! What a client may not do, and what it is told.

use serde_json::Value;
use tribune_tests::{Server, Spectator, eventually};

fn pure_network_game(args: &[&str]) -> Server {
    Server::start(&[&["--script", "", "--stay"], args].concat())
}

/// The code of the next error.
fn refusal(spectator: &mut Spectator) -> Value {
    spectator.wait_for(|line| line["type"] == "error")["code"].clone()
}

#[test]
fn each_wrong_line_is_refused_with_its_code_and_the_connection_stays() {
    let server = pure_network_game(&[]);
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
fn a_line_of_just_the_limit_is_heard() {
    let server = pure_network_game(&[]);
    let mut client = server.join();
    let id = "x".repeat(1024 - r#"{"type":"ping","id":""}"#.len());
    client.send(format!("{{\"type\":\"ping\",\"id\":\"{id}\"}}\r\n"));
    assert_eq!(client.wait_for(|line| line["type"] == "pong")["id"], id);
    client.send(format!("{{\"type\":\"ping\",\"id\":\"{id}x\"}}\n"));
    assert_eq!(refusal(&mut client), "line_too_long");
}

#[test]
fn a_ping_is_answered_to_whoever_sent_it_alone() {
    let server = pure_network_game(&["--tick", "20ms"]);
    let (mut one, mut two) = (server.join(), server.join());
    one.send("{\"type\":\"ping\",\"id\":\"a\"}\n{\"type\":\"ping\",\"id\":-1.50}\n");
    assert_eq!(one.wait_for(|line| line["type"] == "pong")["id"], "a");
    assert_eq!(one.wait_for(|line| line["type"] == "pong")["id"], -1.5);
    let lines: Vec<Value> = (0..5).map(|_| two.next().unwrap()).collect();
    assert!(lines.iter().all(|line| line["type"] == "clock"), "{lines:?}");
}

#[test]
fn moves_beyond_the_rate_are_refused_and_the_others_played() {
    let server = pure_network_game(&["--move-rate", "10"]);
    let mut client = server.join();
    client.send("N ann\n".repeat(300) + "{\"type\":\"ping\",\"id\":1}\n");
    let lines = client.until(|line| line["type"] == "pong");
    let refusals: Vec<&Value> = lines.iter().filter(|line| line["type"] == "error").collect();
    assert!(refusals.iter().all(|line| line["code"] == "rate_limited"));
    // Ten at once, and what became due while the others were read, which may take a while.
    let refused = refusals.len() as u64;
    assert!((100..=290).contains(&refused), "{refused} of 300 were refused");
    // The connection answers a ping, and the game may still be playing what came before it.
    eventually("each move was either played or refused", || {
        let played = server.join().state["players"][0]["moves"].as_u64()?;
        (played + refused == 300).then_some(())
    });
}

#[test]
fn without_a_rate_every_move_is_played() {
    let server = pure_network_game(&["--move-rate", "0"]);
    let mut client = server.join();
    client.send("N ann\n".repeat(5000));
    let lines = client.until(|line| line["type"] == "move" && line["seq"].as_u64() >= Some(5000));
    assert!(lines.iter().all(|line| line["type"] != "error"));
}

#[test]
fn a_connection_carries_so_many_players() {
    let server = pure_network_game(&["--max-players", "2"]);
    let mut client = server.join();
    client.send("N a\nN b\nN c\nN a\n");
    assert_eq!(refusal(&mut client), "too_many_players");
}

#[test]
fn a_full_server_says_so_and_takes_the_next_when_somebody_leaves() {
    let server = pure_network_game(&["--max-clients", "2", "--tick", "20ms"]);
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
    eventually("there is a place", || {
        let mut again = Spectator::connect(server.address());
        (again.next()?["type"] == "welcome").then_some(again)
    });
}

#[test]
fn somebody_who_only_half_is_there_gives_way() {
    let server = pure_network_game(&["--max-clients", "1", "--tick", "1h"]);
    let mut one = server.join();
    one.half_close();
    eventually("there is a place", || {
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
fn whoever_errs_without_end_is_closed() {
    let server = pure_network_game(&[]);
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
fn whoever_comes_when_another_has_just_gone_is_let_in() {
    // A clock that hardly ticks: nothing is written to those who have gone.
    let server = pure_network_game(&["--max-clients", "1", "--tick", "1h"]);
    for _ in 0..50 {
        // It is dropped, and so closed, before the next connects.
        server.join();
    }
}

#[test]
fn all_who_only_half_are_there_give_way_to_as_many_who_come_at_once() {
    let server = pure_network_game(&["--max-clients", "100", "--tick", "1h"]);
    let mut half: Vec<Spectator> = (0..100).map(|_| server.join()).collect();
    for client in &mut half {
        client.send("N ann\n");
        client.half_close();
    }
    // They leave the game when the server sees that they will say nothing more.
    for _ in 0..100 {
        half[0].wait_for(|line| line["type"] == "left");
    }
    let mut new: Vec<Spectator> = (0..100).map(|_| Spectator::connect(server.address())).collect();
    for client in &mut new {
        assert_eq!(client.next().unwrap()["type"], "welcome");
    }
}

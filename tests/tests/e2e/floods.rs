//! Connections and programs that send as much as they can affect neither the game nor each other.

use std::{
    fmt::Write as _,
    io::Write,
    net::{Shutdown, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::{net::sockopt::set_socket_linger, process::Signal};
use serde_json::Value;
use tribune_tests::{Server, Spectator, eventually, seq};

use crate::misbehave;

/// Connections that send as fast as the server reads, until this is dropped.
struct Flood {
    sockets: Vec<TcpStream>,
    senders: Vec<JoinHandle<()>>,
}

impl Flood {
    /// Opens `count` connections to `server`, each of which sends `bytes` repeatedly.
    fn start(server: &Server, count: usize, bytes: &'static [u8]) -> Self {
        let sockets: Vec<TcpStream> =
            (0..count).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
        let sender = |socket: &TcpStream| {
            let mut socket = socket.try_clone().unwrap();
            let chunk = bytes.repeat(65_536 / bytes.len());
            // It ends when the server or the test closes the connection.
            thread::spawn(move || while socket.write_all(&chunk).is_ok() {})
        };
        let senders = sockets.iter().map(sender).collect();
        Self { sockets, senders }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        for socket in &self.sockets {
            // The server may have closed it.
            let _ = socket.shutdown(Shutdown::Both);
        }
        for sender in self.senders.drain(..) {
            sender.join().expect("a sender only writes");
        }
    }
}

/// The delay of the tick `line` in ticks of 100 ms, by the game's own time.
fn ticks_late(line: &Value) -> u64 {
    line["ms"].as_u64().unwrap() / 100 - line["clock"].as_u64().unwrap()
}

/// Checks that a game goes on and ends normally while 40 connections send `bytes`.
fn check_game_during_flood_of(bytes: &'static [u8]) {
    let server = Server::start(&["--script", "", "--stay", "--tick", "100ms"]);
    let mut client = server.join();
    let flood = Flood::start(&server, 40, bytes);
    for _ in 0..10 {
        client.send("{\"type\":\"ping\",\"id\":\"mine\"}\n");
        client.wait_for(|line| line["type"] == "pong" && line["id"] == "mine");
        let tick = client.wait_for(|line| line["type"] == "clock");
        // It was a hundred ticks when a session could read without yielding.
        assert!(ticks_late(&tick) < 20, "a tick was {} ticks late", ticks_late(&tick));
    }
    client.send("N ann\n");
    client.wait_for(|line| line["type"] == "move");
    server.signal(Signal::TERM);
    assert_eq!(client.rest().last().unwrap()["type"], "bye");
    drop(flood);
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn flood_of_blank_lines_does_not_delay_the_game() {
    check_game_during_flood_of(b"\n");
}

#[test]
fn flood_of_endless_lines_does_not_delay_the_game() {
    check_game_during_flood_of(b"\0");
}

#[test]
fn flood_of_pings_does_not_delay_the_game() {
    check_game_during_flood_of(b"{\"type\":\"ping\",\"id\":1}\n");
}

#[test]
fn blank_lines_and_pings_are_read_at_a_bounded_rate() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "50ms"]);
    let mut client = server.join();
    // The burst is a hundred, the rate 50 a second. The server handles the first 256 lines at once,
    // and reads the rest after a pause of three seconds.
    client.send("\n".repeat(100) + &"{\"type\":\"ping\",\"id\":1}\n".repeat(200));
    client.send("{\"type\":\"ping\",\"id\":\"last\"}\n");
    let lines = client.until(|line| line["id"] == "last");
    let clocks: Vec<_> = lines.iter().filter(|line| line["type"] == "clock").collect();
    let span = clocks.last().unwrap()["ms"].as_u64().unwrap() - clocks[0]["ms"].as_u64().unwrap();
    assert!(span >= 1500, "300 blank lines and pings were read within {span} ms of game time");
    assert_eq!(lines.iter().filter(|line| line["type"] == "pong").count(), 201);
}

/// The number of bytes of the events among `lines`, and the game time in milliseconds from the first
/// to the last.
fn logged(lines: &[Value]) -> (u64, u64) {
    let events: Vec<&Value> = lines.iter().filter(|line| seq(line).is_some()).collect();
    let bytes: usize = events.iter().map(|line| line.to_string().len() + 1).sum();
    let ms = |line: &Value| line["ms"].as_u64().unwrap();
    (bytes as u64, ms(events.last().unwrap()) - ms(events[0]))
}

/// One move for each of `count` players, whose names begin with `start`.
fn moves_of(count: usize, start: &str) -> String {
    let mut moves = String::new();
    for number in 0..count {
        writeln!(moves, "N {start}{number:02}").unwrap();
    }
    moves
}

#[test]
fn bytes_that_a_program_adds_to_the_log_are_limited() {
    let agent = misbehave("flood-escapes");
    let server = Server::start(&[
        "--script",
        "0:1",
        "--agent",
        &agent,
        "--output-bytes",
        "256KiB",
        "--tick",
        "100ms",
        "--stay",
    ]);
    server.wait_for_err(|line| line.contains("--output-bytes") && line.starts_with("ps#1"));
    let mut spectator = server.join();
    let lines = spectator.until(|line| line["clock"].as_u64() >= Some(30));
    let (bytes, ms) = logged(&lines);
    // The burst is one second's worth, and one chunk may exceed the limit.
    let max = 262_144 * (ms + 1000) / 1000 + 64 * 6144;
    assert!(bytes < max, "{bytes} bytes within {ms} ms");
    assert!(lines.iter().all(|line| line["type"] != "resync"));
}

#[test]
fn bytes_that_an_address_adds_to_the_log_are_limited_over_all_its_connections() {
    let server =
        Server::start(&["--script", "", "--stay", "--tick", "100ms", "--address-bytes", "64KiB"]);
    let mut spectator = server.join();
    let names = moves_of(16, &"x".repeat(30));
    let mut refused = 0;
    for _ in 0..100 {
        let mut busy = server.join();
        busy.send(&names);
        busy.send("{\"type\":\"ping\",\"id\":1}\n");
        let lines = busy.until(|line| line["type"] == "pong");
        refused += lines.iter().filter(|line| line["code"] == "rate_limited").count();
    }
    assert!(refused > 100, "{refused} of 1,600 moves were refused");
    let mut quiet = Spectator::join_from("127.0.0.2".parse().unwrap(), server.address());
    quiet.send("N quiet\n");
    let lines = spectator.until(|line| line["type"] == "move" && line["name"] == "quiet");
    let (bytes, ms) = logged(&lines);
    // The bytes of a move are estimated.
    let max = 65_536 * 4 / 3 * (ms + 1000) / 1000 + 10_000;
    assert!(bytes < max, "{bytes} bytes within {ms} ms");
    let message = server.wait_for_err(|line| line.contains("were refused"));
    assert!(message.contains("127.0.0.1") && message.contains("--address-bytes"), "{message}");
}

#[test]
fn address_limit_holds_for_connections_that_are_reset_immediately() {
    let server = Server::start(&["--script", "", "--stay", "--address-bytes", "64KiB"]);
    let moves = moves_of(16, &"x".repeat(30));
    for _ in 0..300 {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.write_all(moves.as_bytes()).unwrap();
        set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
    }
    let message = server.wait_for_err(|line| line.contains("were refused"));
    let refused: u64 = message.split(' ').next().unwrap().parse().unwrap();
    assert!(refused > 1000, "{message}");
}

#[test]
fn player_limit_of_the_game_frees_a_place_when_a_player_leaves() {
    let server = Server::start(&["--script", "", "--stay", "--max-players-total", "20"]);
    let mut first = server.join();
    let mut second = server.join();
    let names = moves_of(16, "n");
    first.send(&names);
    first.wait_for(|line| line["type"] == "move" && line["name"] == "n15");
    second.send(&names);
    let error = second.wait_for(|line| line["type"] == "error");
    assert_eq!(error["code"], "too_many_players");
    assert!(error["message"].as_str().unwrap().contains("maximum of 20 players"), "{error}");
    // A refusal can overtake the moves before it, which go through the game.
    eventually("20 players", || {
        let players = server.join().state["players"].as_array().unwrap().len();
        (players == 20).then_some(())
    });
    drop(first);
    second.wait_for(|line| line["type"] == "left");
    second.send("N n15\n");
    second.wait_for(|line| line["type"] == "move" && line["name"] == "n15");
}

//! Whoever joins, at whatever moment, misses nothing and gets nothing twice.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use rustix::process::Signal;
use serde_json::{Value, json};
use tribune_tests::{Server, Spectator, assert_contiguous, eventually, seq};

use crate::misbehave;

/// A game that is busy until it is told to end, at a pace that everybody can follow: a tick and a
/// move in answer to it, a hundred times a second.
fn busy_server() -> Server {
    Server::start(&["--script", "0:1", "--agent", &misbehave("dance"), "--tick", "10ms"])
}

fn check(spectator: &Spectator, lines: &[Value]) {
    assert_contiguous(spectator.start(), lines);
    assert_eq!(
        lines.last().unwrap()["type"],
        "bye",
        "the last line is the end of the game: {:?} of {}",
        lines.last(),
        lines.len()
    );
}

#[test]
fn clients_that_join_at_any_moment_get_every_event_once_and_in_order() {
    let server = busy_server();
    let mut watchers = Vec::new();
    let mut pilot = server.join();
    let mut last = pilot.start();
    // One more each time that the game has gone on a little.
    for _ in 0..50 {
        pilot.wait_for(|line| seq(line) > Some(last + 20));
        let mut spectator = server.join();
        last = spectator.start();
        watchers.push(thread::spawn(move || {
            let lines = spectator.rest();
            check(&spectator, &lines);
            (spectator.start(), lines.len() as u64)
        }));
    }
    server.signal(Signal::TERM);
    pilot.rest();
    let joined: Vec<(u64, u64)> =
        watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect();
    assert!(
        joined.is_sorted_by(|(one, _), (next, _)| one + 20 < *next),
        "they joined apart: {joined:?}"
    );
    assert!(joined.iter().all(|(start, lines)| start + lines == joined[0].0 + joined[0].1));
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn two_hundred_clients_at_once_all_get_the_same() {
    let server = busy_server();
    let address = server.address();
    let together = Arc::new(Barrier::new(201));
    let watch = |together: Arc<Barrier>| {
        move || {
            together.wait();
            let mut spectator = Spectator::join(address);
            together.wait();
            let lines = spectator.rest();
            check(&spectator, &lines);
            lines.into_iter().next_back().unwrap()
        }
    };
    let watchers: Vec<_> = (0..200).map(|_| thread::spawn(watch(together.clone()))).collect();
    // All at once, and then until all are there and have seen something.
    together.wait();
    together.wait();
    server.join().wait_for(|line| line["type"] == "clock");
    server.signal(Signal::TERM);
    let ends: Vec<Value> = watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "they all saw the same end");
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn a_client_that_comes_back_resumes_where_it_was() {
    let server = busy_server();
    let mut last = None;
    for _ in 0..20 {
        let mut spectator = server.join();
        let after: u64 = match last {
            None => spectator.start(),
            Some(after) => {
                let resume =
                    json!({"type": "resume", "game": spectator.welcome["game"], "after": after});
                spectator.send(format!("{resume}\n"));
                assert_eq!(spectator.wait_for(|line| line["type"] == "resumed")["after"], after);
                after
            }
        };
        let lines: Vec<Value> = (0..30).map(|_| spectator.next().unwrap()).collect();
        assert_contiguous(after, &lines);
        last = seq(lines.last().unwrap());
    }
}

#[test]
fn what_the_log_no_longer_holds_is_said_to_be_missed() {
    let agent = misbehave("flood 2000");
    let server =
        Server::start(&["--script", "0:1", "--agent", &agent, "--log-bytes", "4096", "--stay"]);
    // When the program has ended, the start of the game has been forgotten, and nothing more is.
    let mut late = eventually("the program has ended", || {
        let late = server.join();
        let ended = late.start() > 2000 && late.state["workers"] == json!([]);
        ended.then_some(late)
    });
    assert!(late.welcome["oldest"].as_u64() > Some(1));
    late.send(format!("{{\"type\":\"resume\",\"game\":{},\"after\":3}}\n", late.welcome["game"]));
    let resync = late.wait_for(|line| line["type"] == "resync");
    assert_eq!(resync["missed"].as_u64().unwrap(), seq(&resync).unwrap() - 3);
    let state = late.next().unwrap();
    assert_eq!((&state["type"], &state["seq"]), (&json!("state"), &resync["seq"]));
    let lines = late.until(|line| line["type"] == "clock");
    assert_contiguous(seq(&resync).unwrap(), &lines);
}

#[test]
fn another_game_cannot_be_resumed() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let mut spectator = server.join();
    spectator.send("{\"type\":\"resume\",\"game\":\"other\",\"after\":0}\n");
    let lines = spectator.until(|line| line["type"] == "error");
    assert_eq!(lines.last().unwrap()["code"], "unknown_game");
    // And the stream goes on as if nothing had been asked.
    let more = spectator.until(|line| line["type"] == "clock");
    assert_contiguous(spectator.start(), &[lines, more].concat());
}

#[test]
fn a_client_from_the_future_gets_the_state() {
    let server = Server::start(&["--script", "", "--stay"]);
    for after in [999_999, u64::MAX] {
        let mut spectator = server.join();
        let resume = json!({"type": "resume", "game": spectator.welcome["game"], "after": after});
        spectator.send(format!("{resume}\n"));
        let resync = spectator.wait_for(|line| line["type"] == "resync");
        assert_eq!(resync["missed"], 0);
        assert_eq!(spectator.next().unwrap()["type"], "state");
        let tick = spectator.wait_for(|line| line["type"] == "clock");
        assert_contiguous(seq(&resync).unwrap(), &[tick]);
    }
}

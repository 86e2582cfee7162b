//! The `resume` command.

use serde_json::{Value, json};
use tribune_tests::{Spectator, assert_contiguous, eventually, seq};

use super::{busy_server, start_server};
use crate::misbehave;

/// Asks for the events of the current game after the event `after`.
fn resume(spectator: &mut Spectator, after: u64) {
    let line = json!({"type": "resume", "game": spectator.welcome["game"], "after": after});
    spectator.send(format!("{line}\n"));
}

#[test]
fn client_that_reconnects_resumes_after_its_last_event() {
    let server = busy_server();
    let mut last = None;
    for _ in 0..20 {
        let mut spectator = server.join();
        let after = match last {
            None => spectator.start(),
            Some(after) => {
                resume(&mut spectator, after);
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
fn resume_reports_events_that_the_log_no_longer_holds() {
    let agent = misbehave("flood 2000");
    let server =
        start_server(&["--script", "0:1", "--agent", &agent, "--log-bytes", "4096", "--stay"]);
    // When the program has ended, the log has dropped the start of the game and drops nothing more.
    let mut late = eventually("the program has ended", || {
        let late = server.join();
        let ended = late.start() > 2000 && late.state["workers"] == json!([]);
        ended.then_some(late)
    });
    assert!(late.welcome["oldest"].as_u64() > Some(1));
    resume(&mut late, 3);
    let resync = late.wait_for(|line| line["type"] == "resync");
    assert_eq!(resync["missed"].as_u64().unwrap(), seq(&resync).unwrap() - 3);
    let state = late.next().unwrap();
    assert_eq!((&state["type"], &state["seq"]), (&json!("state"), &resync["seq"]));
    let lines = late.until(|line| line["type"] == "clock");
    assert_contiguous(seq(&resync).unwrap(), &lines);
}

#[test]
fn resume_of_another_game_is_refused() {
    let server = start_server(&["--script", "", "--stay", "--tick", "20ms"]);
    let mut spectator = server.join();
    spectator.send("{\"type\":\"resume\",\"game\":\"other\",\"after\":0}\n");
    let lines = spectator.until(|line| line["type"] == "error");
    assert_eq!(lines.last().unwrap()["code"], "unknown_game");
    // The stream is not interrupted by the refusal.
    let more = spectator.until(|line| line["type"] == "clock");
    assert_contiguous(spectator.start(), &[lines, more].concat());
}

#[test]
fn resume_after_a_future_event_gets_the_state() {
    let server = start_server(&["--script", "", "--stay"]);
    for after in [999_999, u64::MAX] {
        let mut spectator = server.join();
        resume(&mut spectator, after);
        let resync = spectator.wait_for(|line| line["type"] == "resync");
        assert_eq!(resync["missed"], 0);
        assert_eq!(spectator.next().unwrap()["type"], "state");
        let tick = spectator.wait_for(|line| line["type"] == "clock");
        assert_contiguous(seq(&resync).unwrap(), &[tick]);
    }
}

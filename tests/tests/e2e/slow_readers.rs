//! Whoever does not read harms nobody, and is told what it missed.

use rustix::process::Signal;
use tribune_tests::{Server, assert_contiguous, seq};

use crate::misbehave;

#[test]
fn a_client_that_stops_reading_delays_nobody_and_is_told_when_it_returns() {
    // 60,000 moves of about 95 bytes: more than the log and the system's buffers hold. The reader
    // may be some seconds behind, for at the end comes at once what a pipe holds, about 9,000.
    let agent = misbehave("flood 60000");
    let args = [
        "--script",
        "0:1",
        "--agent",
        &agent,
        "--log-bytes",
        "4MiB",
        "--output-rate",
        "5000",
        "--stay",
    ];
    let server = Server::start(&args);
    let mut frozen = server.join();
    let mut reader = server.join();
    let lines = reader.until(|line| line["type"] == "exited");
    assert_contiguous(reader.start(), &lines);
    assert_eq!(lines.last().unwrap()["code"], 0);

    let before = frozen.until(|line| line["type"] == "resync");
    let resync = before.last().unwrap();
    let state = frozen.next().unwrap();
    let (before, last) = (&before[..before.len() - 1], before[before.len() - 2].clone());
    assert_contiguous(frozen.start(), before);
    assert!(resync["missed"].as_u64() > Some(1000), "{resync}");
    assert_eq!(seq(&last).unwrap() + resync["missed"].as_u64().unwrap(), seq(resync).unwrap());
    assert_eq!((&state["type"], &state["seq"]), (&"state".into(), &resync["seq"]));
    let after = frozen.until(|line| line["type"] == "clock");
    assert_contiguous(seq(resync).unwrap(), &after);
}

#[test]
fn the_game_ends_in_spite_of_a_client_that_does_not_read() {
    let agent = misbehave("flood 100000000");
    let server = Server::start(&["--script", "0:1", "--agent", &agent, "--output-rate", "20000"]);
    let _frozen = server.join();
    let mut reader = server.join();
    reader.wait_for(|line| line["type"] == "clock" && line["clock"].as_u64() >= Some(2));
    server.signal(Signal::TERM);
    assert_eq!(reader.rest().last().unwrap()["type"], "bye");
    assert_eq!(server.finish().code(), Some(0));
}

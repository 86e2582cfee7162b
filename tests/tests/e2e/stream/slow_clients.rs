//! A client that does not read delays neither the game nor other clients, and is informed of the
//! events that it missed.

use rustix::process::Signal;
use tribune_tests::{assert_contiguous, seq};

use super::start_server;
use crate::misbehave;

#[test]
fn client_that_stops_reading_delays_no_other_and_gets_a_resync() {
    // 60,000 moves of about 95 bytes: more than the log and the system's buffers hold. The client
    // that reads may be some seconds behind, as the program's last moves come all at once: about
    // 9,000, which is what a pipe holds.
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
    let server = start_server(&args);
    let mut frozen = server.join();
    let mut reading = server.join();
    let lines = reading.until(|line| line["type"] == "exited");
    assert_contiguous(reading.start(), &lines);
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
fn client_that_reads_gets_every_event_of_a_flood() {
    // Lines of 1 KB at the default line rate, more than the log holds in all. With a send buffer
    // of 32 KiB a spectator on loopback got 5 MB/s at most, and lost a part.
    let agent = misbehave("flood-lines 30000 1000");
    let server =
        start_server(&["--script", "0:1", "--agent", &agent, "--output-bytes", "0", "--stay"]);
    let mut spectator = server.join();
    let lines = spectator.until_bytes("\"type\":\"exited\"");
    assert_contiguous(spectator.start(), &lines);
    assert!(lines.iter().all(|line| line["type"] != "resync"));
    assert!(seq(lines.last().unwrap()) > Some(30_000));
}

#[test]
fn game_ends_in_spite_of_a_client_that_does_not_read() {
    let agent = misbehave("flood 100000000");
    let server = start_server(&["--script", "0:1", "--agent", &agent, "--output-rate", "20000"]);
    let _frozen = server.join();
    let mut reading = server.join();
    reading.wait_for(|line| line["type"] == "clock" && line["clock"].as_u64() >= Some(2));
    server.signal(Signal::TERM);
    assert_eq!(reading.rest().last().unwrap()["type"], "bye");
    assert_eq!(server.finish().code(), Some(0));
}

//! The stream on the standard input of programs.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::start_server;
use crate::misbehave;

#[test]
fn program_reads_the_stream_on_its_standard_input() {
    let server =
        start_server(&["--script", "0:1", "--agent", &misbehave("print-greeting"), "--stay"]);
    let mut spectator = server.join();
    spectator.send(format!(
        "{{\"type\":\"resume\",\"game\":{},\"after\":0}}\n",
        spectator.welcome["game"]
    ));
    let mut read = || {
        let output = spectator.wait_for(|line| line["type"] == "output");
        serde_json::from_str::<Value>(output["line"].as_str().unwrap()).unwrap()
    };
    let (welcome, state) = (read(), read());
    assert_eq!(
        (welcome["type"].as_str(), welcome["you"].as_str()),
        (Some("welcome"), Some("ps#1"))
    );
    assert_eq!((&state["type"], &state["seq"]), (&Value::from("state"), &welcome["seq"]));
}

#[test]
fn program_that_never_reads_its_input_delays_no_client() {
    let agent = misbehave("never-read");
    let server = start_server(&[
        "--script",
        "0:1",
        "--agent",
        &agent,
        "--log-bytes",
        "64KiB",
        "--move-rate",
        "0",
        "--stay",
    ]);
    let mut player = server.join();
    // Ten times what the log and the pipe hold.
    for _ in 0..150 {
        player.send("N ann\n".repeat(100));
        player.send("{\"type\":\"ping\",\"id\":1}\n");
        let lines = player.until(|line| line["type"] == "pong");
        assert!(lines.iter().all(|line| line["type"] != "resync"));
    }
    assert_eq!(server.join().state["workers"], json!([{"id": 1, "label": "ps#1 (predef 1)"}]));
    server.signal(Signal::INT);
    let finished = server.finish();
    assert_eq!(finished.code(), Some(0));
    assert!(
        finished.out.iter().any(|line| line.ends_with("exit signal 15 - 0 still running")),
        "the program was not ended by SIGTERM"
    );
}

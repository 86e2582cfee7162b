//! The conditions under which a game ends.

use std::process::{Command, Stdio};

use rustix::process::Signal;
use tribune_tests::{Server, Spectator, UnreadServer, program};

use crate::misbehave;

#[test]
fn game_with_an_empty_script_ends_immediately() {
    let finished = Server::start(&["--script", ""]).finish();
    assert_eq!(finished.out, ["clock = 0000s", "no process left - bye"]);
    assert_eq!(finished.code(), Some(0));
}

#[test]
fn game_with_stay_goes_on_after_its_programs() {
    let mut server = Server::start(&["--script", "0:1", "--stay", "--tick", "50ms"]);
    let mut player = server.join();
    player.wait_for(|line| line["type"] == "exited");
    for _ in 0..3 {
        player.wait_for(|line| line["type"] == "clock");
    }
    player.send("N ann\n");
    player.wait_for(|line| line["type"] == "move" && line["name"] == "ann");
    server.type_in("2\n");
    player.wait_for(|line| line["type"] == "started");
    player.wait_for(|line| line["type"] == "exited");
    server.signal(Signal::INT);
    assert_eq!(player.rest().last().unwrap()["reason"], "interrupted");
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn repeated_script_starts_again_when_all_programs_have_ended() {
    let server = Server::start(&["--script", "0.1:1,0:2", "--repeat", "--agent", "true"]);
    let mut labels = Vec::new();
    while labels.len() < 6 {
        let line = server.next_out().unwrap();
        labels.extend(line.strip_prefix(">>>>>>>> worker ").map(str::to_owned));
    }
    assert_eq!(
        labels,
        [
            "ps#1 (predef 2)",
            "ps#2 (predef 1)",
            "ps#3 (predef 2)",
            "ps#4 (predef 1)",
            "ps#5 (predef 2)",
            "ps#6 (predef 1)"
        ]
    );
    server.signal(Signal::TERM);
    assert_eq!(server.finish().out.last().unwrap(), "terminated - bye");
}

#[test]
fn unread_console_does_not_delay_the_game() {
    // More than a pipe holds.
    let agent = misbehave("flood 20000");
    let server = UnreadServer::start(&["--script", "0:1", "--agent", &agent, "--output-rate", "0"]);
    let events = Spectator::join(server.address).rest();
    assert_eq!(events.last().unwrap()["type"], "bye");
    assert_eq!(server.code(), Some(0));
}

#[test]
fn console_prints_every_line_of_a_flood() {
    let agent = misbehave("flood 20000");
    let finished =
        Server::start(&["--script", "0:1", "--agent", &agent, "--output-rate", "0"]).finish();
    assert_eq!(
        finished.out.iter().filter(|line| line.starts_with("        got `N noah`")).count(),
        20_000
    );
    assert_eq!(finished.out.last().unwrap(), "no process left - bye");
}

#[test]
fn closed_console_does_not_end_the_game() {
    let server = program("server");
    let script = format!(
        "'{}' --script 0:1 --listen 127.0.0.1:0 | head -1; echo ${{PIPESTATUS[0]}}",
        server.display()
    );
    let output = Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "clock = 0000s\n0\n");
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("rror"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn quiet_server_prints_nothing_on_standard_output() {
    let finished = Server::start(&["--script", "0:1", "--quiet"]).finish();
    assert!(!finished.err.iter().any(|line| line.contains("  watch ")), "{:?}", finished.err);
    assert_eq!((finished.code(), finished.out.len()), (Some(0), 0));
}

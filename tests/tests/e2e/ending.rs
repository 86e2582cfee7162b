//! When a game ends, and when it does not.

use std::process::{Command, Stdio};

use rustix::process::Signal;
use tribune_tests::{Process, Server, Spectator, UnreadServer, program};

use crate::misbehave;

#[test]
fn an_empty_script_is_over_at_once() {
    let finished = Server::start(&["--script", ""]).finish();
    assert_eq!(finished.out, ["clock = 0000s", "no process left - bye"]);
    assert_eq!(finished.code(), Some(0));
}

#[test]
fn a_game_that_stays_goes_on_and_is_played() {
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
fn a_repeated_script_starts_again_when_all_has_ended() {
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
fn a_console_that_nobody_reads_does_not_hold_up_the_game() {
    // More than a pipe holds, and nobody ever reads it.
    let agent = misbehave("flood 20000");
    let server = UnreadServer::start(&["--script", "0:1", "--agent", &agent, "--output-rate", "0"]);
    let events = Spectator::join(server.address).rest();
    assert_eq!(events.last().unwrap()["type"], "bye");
    assert_eq!(server.code(), Some(0));
}

#[test]
fn the_console_tells_a_flood_to_the_last_line() {
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
fn everybody_gets_the_bye_even_who_has_missed_much_or_has_just_come() {
    let agent = misbehave("flood 30000");
    let args = ["--script", "0:1", "--agent", &agent, "--output-rate", "0", "--log-bytes", "4096"];
    let server = Server::start(&args);
    let watcher = Process::start(&mut server.client(&["watch"]));
    let mut frozen = server.join();
    let mut others = Vec::new();
    // As many as can come before it is over.
    while let Some(spectator) = Spectator::try_join(server.address()) {
        others.push(spectator);
    }
    assert_eq!(frozen.rest().last().unwrap()["type"], "bye");
    for mut spectator in others {
        assert_eq!(spectator.rest().last().unwrap()["type"], "bye");
    }
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    assert_eq!(watched.out.last().unwrap(), "no process left - bye");
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn a_console_whose_reader_has_gone_does_not_end_the_game() {
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
fn a_quiet_server_says_nothing_on_standard_output() {
    let finished = Server::start(&["--script", "0:1", "--quiet"]).finish();
    assert!(!finished.err.iter().any(|line| line.contains("  watch ")), "{:?}", finished.err);
    assert_eq!((finished.code(), finished.out.len()), (Some(0), 0));
}

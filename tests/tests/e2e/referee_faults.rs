//! A fault of the referee ends the game: all clients get the reason, and no player gets an error.

use std::{fs, process::Command};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::{TempDir, tempdir};
use tribune_tests::{Process, Server, eventually, exists, program};

/// A referee in Python that completes each turn, and runs `on_act` when a player acts.
fn referee(on_act: &str) -> (TempDir, String) {
    let on_act = on_act.replace('\n', "\n        ");
    script(&format!(
        "import os, sys, time\n\
         for line in sys.stdin:\n    \
             word, *rest = line.split()\n    \
             if word == 'act':\n        {on_act}\n    \
             elif word == 'turn':\n        \
                 print('go', flush=True)\n"
    ))
}

/// The program `text` as a file, and the command that runs it.
fn script(text: &str) -> (TempDir, String) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("referee.py");
    fs::write(&path, text).unwrap();
    let command = format!("python3 '{}'", path.display());
    (folder, command)
}

/// Plays a game in which the referee fails because of the action of a player, and returns the reason of
/// `bye`, after checking that no client gets anything else because of it.
fn reason_of_failure(on_act: &str, timeout: &str) -> String {
    let (_folder, command) = referee(on_act);
    let args = ["--game", &command, "--turn", "20ms", "--referee-timeout", timeout];
    let server = Server::start(&args);
    let (mut spectator, mut player) = (server.join(), server.join());
    player.send("N ann\n");
    let lines = [spectator.rest(), player.rest()].concat();
    let reason = reason_of_bye(&lines, &server.finish());
    assert!(reason.starts_with("the referee referee.py failed: "), "{reason}");
    reason
}

/// The reason of `bye` in the streams of all clients, of a server that has failed because of it.
fn reason_of_bye(lines: &[Value], finished: &tribune_tests::Finished) -> String {
    let blamed = lines.iter().find(|line| line["type"] == "error" || line["code"] == "slow_client");
    assert_eq!(blamed, None);
    let byes = lines.iter().filter(|line| line["type"] == "bye");
    let reasons: Vec<_> = byes.map(|bye| bye["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.len(), 2, "each client gets bye: {reasons:?}");
    assert_eq!(reasons[0], reasons[1]);
    assert!(!lines.iter().any(|line| line["type"] == "result"), "a failed round has no result");
    assert_eq!(finished.code(), Some(3), "{:?}", finished.err);
    let error = format!("error: {}", reasons[0]);
    assert!(finished.err.contains(&error), "{error} is not in {:?}", finished.err);
    reasons[0].to_owned()
}

#[track_caller]
fn assert_reason(on_act: &str, part: &str) {
    // Longer than any fault takes to be found, whatever else the machine does.
    let reason = reason_of_failure(on_act, "60s");
    assert!(reason.contains(part), "{reason} lacks {part:?}");
}

#[track_caller]
fn assert_hang(on_act: &str) {
    let reason = reason_of_failure(on_act, "500ms");
    assert!(reason.contains("was not completed within 0.5 s: expected go"), "{reason}");
}

#[test]
fn referee_that_hangs() {
    assert_hang("time.sleep(1000)");
}

#[test]
fn referee_that_closes_its_input_and_hangs() {
    assert_hang("os.close(0)\ntime.sleep(1000)");
}

#[test]
fn referee_that_closes_its_output_and_hangs() {
    assert_hang("os.close(1)\ntime.sleep(1000)");
}

#[test]
fn referee_that_floods_its_output() {
    assert_reason(
        "while True: print('draw 0 0 #')",
        "too many lines without go: expected at most 100000",
    );
}

#[test]
fn referee_that_floods_its_output_without_line_ends() {
    let reason = reason_of_failure("while True: sys.stdout.write('x' * 65536)", "60s");
    assert!(reason.contains("\"…: the line is too long: expected at most 1024 bytes"), "{reason}");
    assert!(reason.len() < 300, "{reason}");
}

#[test]
fn referee_that_floods_its_error_output_and_hangs() {
    assert_hang("while True: print('debug', file=sys.stderr)");
}

#[test]
fn referee_that_exits() {
    assert_reason("sys.exit(4)", "it exited without end: exit code 4");
}

#[test]
fn referee_that_crashes() {
    assert_reason("rest[5]", "it exited without end: exit code 1");
}

#[test]
fn referee_that_prints_nonsense() {
    assert_reason(
        "print('debug: ann acts', flush=True)",
        "\"debug: ann acts\": unknown word: expected draw",
    );
}

#[test]
fn referee_that_draws_outside_the_board() {
    assert_reason("print('draw 32 0 #', flush=True)", "expected X from 0 to 31 and Y from 0 to 15");
}

#[test]
fn referee_that_prints_go_without_a_turn() {
    assert_reason("print('go\\ngo', flush=True)", "\"go\": unexpected go");
}

#[test]
fn referee_that_is_killed() {
    let (_folder, command) = referee("print('note', os.getpid())");
    let server = Server::start(&["--game", &command, "--turn", "20ms"]);
    let (mut spectator, mut player) = (server.join(), server.join());
    player.send("N ann\n");
    let turn = spectator.wait_for(|line| line["type"] == "turn");
    let id = turn["notes"][0].as_str().unwrap().parse().ok().and_then(Pid::from_raw);
    kill_process(id.unwrap(), Signal::KILL).unwrap();
    let lines = [spectator.rest(), player.rest()].concat();
    let reason = reason_of_bye(&lines, &server.finish());
    assert!(reason.ends_with("it exited without end: exit signal 9"), "{reason}");
    let exits: Vec<_> = lines.iter().filter(|line| line["type"] == "exited").collect();
    assert_eq!(exits[0]["signal"], 9);
    assert_eq!(exits[0]["label"], "ps#1 (referee referee.py)");
}

#[test]
fn error_output_of_a_referee_is_shown_as_its_own() {
    let (_folder, command) = referee("print('a b', file=sys.stderr)");
    let server = Server::start(&["--game", &command, "--turn", "20ms"]);
    let mut player = server.join();
    assert_eq!(player.welcome["rules"], "referee.py");
    player.send("N ann\n");
    let output = player.wait_for(|line| line["type"] == "output");
    assert_eq!((&output["worker"], &output["line"]), (&1.into(), &"a b".into()));
    assert_eq!(output["stream"], "stderr");
}

/// Runs a server whose referee fails at the start, and returns what it prints on standard error.
fn failed_start(command: &str) -> Vec<String> {
    let args = ["--listen", "127.0.0.1:0", "--game", command];
    let finished = Process::start(Command::new(program("server")).args(args)).finish();
    assert_eq!(finished.code(), Some(3), "{:?}", finished.err);
    assert!(finished.out.is_empty(), "nothing was started: {:?}", finished.out);
    finished.err
}

#[test]
fn failure_of_a_referee_at_the_start_is_reported_with_its_error_output() {
    let (_folder, command) = script("print(undefined)\n");
    let err = failed_start(&command);
    assert!(err.iter().any(|line| line.starts_with("ps#1 NameError")), "{err:?}");
    let want = "error: the referee referee.py failed: before its first line: it exited without end: exit code 1";
    assert_eq!(err.last().unwrap(), want);

    let (_folder, command) = script("print('hello')\ninput()\ninput()\ninput()\n");
    let err = failed_start(&command);
    assert_eq!(err.len(), 1, "{err:?}");
    assert!(err[0].contains("line 1, \"hello\": unknown word"), "{err:?}");

    // More than fits in the pipe and in the mailbox.
    let (_folder, command) = script(
        "import sys\nfor n in range(50000): print('line', n, file=sys.stderr)\nsys.exit(5)\n",
    );
    let err = failed_start(&command);
    assert_eq!(err[err.len() - 2], "ps#1 line 49999");
    assert!(err.len() < 30, "{}", err.len());
}

#[test]
fn referee_that_cannot_be_started_is_an_error() {
    let err = failed_start("/nonexistent/referee");
    assert_eq!(err.len(), 1, "{err:?}");
    assert!(err[0].contains("could not be started: /nonexistent/referee: No such file"), "{err:?}");
}

#[test]
fn referee_that_hangs_at_the_start_ends_the_server() {
    let err = failed_start("sleep 1000");
    let reason = "turn 1 was not completed within 10 s: expected go";
    assert!(err.last().unwrap().contains(reason), "{err:?}");
}

#[test]
fn referee_that_hangs_at_the_start_can_be_interrupted() {
    let folder = tempdir().unwrap();
    let started = folder.path().join("started");
    let text = format!("import time\nopen({started:?}, 'w').close()\ntime.sleep(1000)\n");
    let (_folder, command) = script(&text);
    let args = ["--listen", "127.0.0.1:0", "--game", &command];
    let server = Process::start(Command::new(program("server")).args(args));
    eventually("the referee runs", || started.exists().then_some(()));
    server.signal(Signal::INT);
    assert_eq!(server.finish().code(), Some(130));
}

#[test]
fn referee_does_not_survive_a_killed_server() {
    // It would outlive the end of its input.
    let on_act = "import atexit\natexit.register(time.sleep, 1000)\nprint('note', os.getpid())";
    let (_folder, command) = referee(on_act);
    let mut server = Server::start(&["--game", &command, "--turn", "20ms"]);
    let mut player = server.join();
    player.send("N ann\n");
    let turn = player.wait_for(|line| line["type"] == "turn");
    let id = turn["notes"][0].as_str().unwrap().parse().unwrap();
    assert!(exists(id));
    server.kill();
    eventually("the referee is killed", || (!exists(id)).then_some(()));
}

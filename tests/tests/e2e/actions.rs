//! `client play` and `client watch` in games with turns and other actions than moves.

use std::process::Command;

use tribune_tests::{Process, ScriptedClient, ScriptedServer, program};

/// Starts the client with `args`, for `server`.
fn client(server: &ScriptedServer, args: &[&str]) -> Process {
    let mut command = Command::new(program("client"));
    Process::start(command.args(args).args(["--server", &server.address().to_string()]))
}

/// The event `seq` that `action` of the player 4, `name`, was accepted.
fn accepted(seq: u64, action: &str, name: &str) -> String {
    format!(
        r#"{{"type":"action","seq":{seq},"ms":0,"player":4,"name":"{name}","from":"tcp#7","action":"{action}"}}"#
    )
}

fn joined(seq: u64, name: &str) -> String {
    format!(
        r#"{{"type":"joined","seq":{seq},"ms":0,"player":4,"name":"{name}","from":"tcp#7","x":1,"y":1}}"#
    )
}

const ERROR: &str = r#"{"type":"error","code":"bad_action","message":"already acted in turn 1"}"#;

#[test]
fn piped_actions_are_sent_and_confirmed_when_the_turn_closes() {
    let server = ScriptedServer::start();
    let mut player = client(&server, &["play", "--name", "ann"]);
    player.type_in("rock\nbid 10 ann\n\n");
    player.type_in("{\"type\":\"action\",\"action\":\"paper\",\"name\":\"bob\"}");
    player.close_input();
    let mut received = server.accept("rock-paper-scissors");
    let lines = [(); 3].map(|()| received.next_line().unwrap());
    assert_eq!(lines, ["rock ann", "bid 10 ann", "paper bob"]);
    received.send(ERROR);
    for line in [joined(1, "ann"), accepted(2, "rock", "ann")] {
        received.send(&line);
    }
    while player.next_out().unwrap() != "        got `rock ann` from tcp#7" {}
    // One is still missing, and the client waits for it.
    received
        .send(r#"{"type":"turn","seq":3,"ms":0,"turn":1,"scores":[[4,1]],"out":[[3,"slept"]]}"#);
    assert_eq!(player.next_out().unwrap(), "        eve is out: slept");
    assert_eq!(player.next_out().unwrap(), "        scores: ann 1");
    received.send(&accepted(4, "bid 10", "ann"));
    let played = player.finish();
    assert_eq!(played.code(), Some(0), "{:?}", played.err);
    assert_eq!(played.out, ["        got `bid 10 ann` from tcp#7"]);
    assert!(played.err.iter().any(|line| line.contains("already acted")), "{:?}", played.err);
}

#[test]
fn piped_lines_are_moves_in_snake() {
    let server = ScriptedServer::start();
    let mut player = client(&server, &["play", "--name", "ann", "--keys", "r=rock"]);
    player.type_in("n n e\nrock\ns bob");
    player.close_input();
    let mut received = server.accept("snake");
    let lines = [(); 4].map(|()| received.next_line().unwrap());
    assert_eq!(lines, ["N ann", "N ann", "E ann", "S bob"]);
    (0..4).for_each(|_| received.send(ERROR));
    let played = player.finish();
    assert_eq!(played.code(), Some(0), "{:?}", played.err);
    let has = |part: &str| played.err.iter().any(|line| line.contains(part));
    assert!(has("invalid move \"rock\"") && has("--keys has no effect"), "{:?}", played.err);
}

#[test]
fn watch_shows_turns_rounds_and_a_table_of_the_result() {
    let server = ScriptedServer::start();
    let watcher = client(&server, &["watch"]);
    let mut received = server.accept("snake");
    for line in [
        r#"{"type":"round","seq":1,"ms":0,"round":2,"seed":8}"#,
        r#"{"type":"joined","seq":2,"ms":0,"player":4,"name":"李","from":"tcp#9","x":1,"y":1}"#,
        r#"{"type":"move","seq":3,"ms":0,"player":4,"name":"李","from":"tcp#9","direction":"N","x":1,"y":1}"#,
        r#"{"type":"turn","seq":4,"ms":0,"turn":1,"cells":[[1,0,"l",4],[2,2,"7",0]]}"#,
        r#"{"type":"turn","seq":5,"ms":0,"turn":2,"cells":[[1,0,"",0]],"scores":[[3,7]],"out":[[4,"ran into \u001b[2J"]],"notes":["watch out"]}"#,
        r#"{"type":"result","seq":6,"ms":0,"round":2,"ranking":[{"rank":1,"player":3,"name":"eve","score":7},{"rank":2,"player":4,"name":"李","score":0},{"rank":2,"player":5,"name":"joe","score":0}]}"#,
        r#"{"type":"turn","seq":7,"ms":0,"turn":3,"scores":[[99,1]]}"#,
        r#"{"type":"bye","seq":8,"ms":0,"reason":"the last round has ended"}"#,
    ] {
        received.send(line);
    }
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    let want = [
        "======== round 2 (seed 8)",
        "        李 joins from tcp#9",
        "        watch out",
        "        李 is out: ran into \\u{1b}[2J",
        "        scores: eve 7",
        "        scores: player 99 1",
        "======== result of round 2",
        "        1  eve  7",
        "        2  李   0",
        "        2  joe  0",
        "the last round has ended - bye",
    ];
    assert_eq!(watched.out, want);
    let contradiction = "event 7, which contradicts the state of the game: player 99 is not";
    assert!(watched.err.iter().any(|line| line.contains(contradiction)), "{:?}", watched.err);
}

/// Types in a new terminal: first `r` and `:ab`; when the event that the test sends has been shown, the rest.
const TYPED: &str = r#"
import os, pty, sys
pid, near = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
out = b""
def wait_for(text):
    global out
    while text not in out:
        out += os.read(near, 65536)
wait_for(b"connected")
os.write(near, b"r:ab")
wait_for(b"clock = 0007s")
wait_for(b": ab")
os.write(near, b"c\n:nothing\x1b")
wait_for(b": nothing\r\x1b[K")
os.write(near, b"?x\x1b[A")
wait_for(b"clock = 0008s")
os.write(near, b"q")
try:
    while chunk := os.read(near, 65536):
        out += chunk
except OSError:
    pass
print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(out.decode().replace("\r", "").replace("\x1b", "ESC"))
"#;

fn clock(client: &mut ScriptedClient, seq: u64, clock: u64) {
    client.send(&format!(r#"{{"type":"clock","seq":{seq},"ms":0,"clock":{clock}}}"#));
}

#[test]
fn keys_are_mapped_and_lines_typed_in_a_terminal() {
    let server = ScriptedServer::start();
    let mut command = Command::new("python3");
    command.args(["-c", TYPED]).arg(program("client"));
    command.args(["play", "--name", "ann", "--keys", "r=rock,p=paper"]);
    command.args(["--server", &server.address().to_string()]);
    let terminal = Process::start(&mut command);
    let mut received = server.accept("rock-paper-scissors");
    assert_eq!(received.next_line().unwrap(), "rock ann");
    clock(&mut received, 1, 7);
    assert_eq!(received.next_line().unwrap(), "abc ann");
    assert_eq!(received.next_line().unwrap(), "N ann");
    clock(&mut received, 2, 8);
    assert_eq!(received.next_line(), None);
    let typed = terminal.finish();
    let out = typed.out.join("\n");
    assert!(out.starts_with("exit 0\n"), "{out}");
    for part in ["keys: n k up = N", "r = rock, p = paper", "unknown key \"x\": ? lists the keys"] {
        assert!(out.contains(part), "no {part} in {out}");
    }
    assert!(out.contains("clock = 0007s\n"), "the event has a row of its own: {out}");
    assert_eq!(out.matches("keys: ").count(), 2, "at the start, and for the ?: {out}");
}

#[test]
fn invalid_keys_are_explained() {
    for (keys, part) in [
        ("r", "invalid value 'r' for '--keys <KEY=ACTION>': expected KEY=ACTION, as in r=rock"),
        ("r=rock,pp=paper", "unknown key \"pp\": expected one character, or one of space, enter"),
        ("r=", "no action for the key r"),
    ] {
        let server = ScriptedServer::start();
        let played = client(&server, &["play", "--name", "ann", "--keys", keys]).finish();
        assert_eq!((played.code(), played.err.len()), (Some(2), 1), "{:?}", played.err);
        assert!(played.err[0].contains(part), "{:?}", played.err);
    }
}

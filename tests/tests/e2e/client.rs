//! The terminal client.

use std::{
    collections::BTreeSet,
    io::Write,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Finished, Process, Proxy, Server, assert_contiguous, eventually, program};

use crate::misbehave;

fn start(server: &Server, args: &[&str]) -> Process {
    Process::start(&mut server.client(args))
}

/// The lines that a client printed with `--json`.
fn json(finished: &Finished) -> Vec<Value> {
    finished.out.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn it_tells_the_game_in_the_wording_of_the_console_and_ends_with_it() {
    let server = Server::start(&["--script", "1:1"]);
    let watcher = start(&server, &["watch"]);
    let (watched, console) = (watcher.finish(), server.finish());
    assert_eq!(watched.code(), Some(0));
    assert!(watched.out.iter().any(|line| line.starts_with(">>>>>>>> worker ps#1")));
    assert!(
        console.out.ends_with(&watched.out),
        "{:?} are not the last of {:?}",
        watched.out,
        console.out
    );
}

#[test]
fn it_gives_the_lines_of_the_wire() {
    let server = Server::start(&["--script", "1:1"]);
    let watched = start(&server, &["watch", "--json"]).finish();
    let lines = json(&watched);
    assert_eq!((&lines[0]["type"], &lines[1]["type"]), (&"welcome".into(), &"state".into()));
    assert_contiguous(lines[1]["seq"].as_u64().unwrap(), &lines[2..]);
    assert_eq!(lines.last().unwrap()["type"], "bye");
}

#[test]
fn a_connection_that_is_lost_is_resumed_and_nothing_is_lost_or_printed_twice() {
    let server =
        Server::start(&["--script", "0:1", "--agent", &misbehave("dance"), "--tick", "2ms"]);
    // The first cut comes after the state, wherever in a line. Of the others, some come before
    // the client has caught up.
    let cuts = [5_000, 20_001, 777, 50_002, 400, 30_003];
    let proxy = Proxy::to(server.address(), &cuts);
    let mut command = server.client(&["watch", "--json", "--server", &proxy.address().to_string()]);
    let watcher = Process::start(&mut command);
    let mut lines: Vec<Value> = Vec::new();
    let next = |lines: &mut Vec<Value>| {
        lines.push(serde_json::from_str(&watcher.next_out().unwrap()).unwrap());
    };
    while proxy.connections() <= cuts.len() {
        next(&mut lines);
    }
    let seen = lines.len();
    while lines.len() < seen + 100 {
        next(&mut lines);
    }
    server.signal(Signal::TERM);
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    lines.extend(json(&watched));
    assert_eq!(
        lines.iter().filter(|line| line["type"] == "welcome" || line["type"] == "state").count(),
        2
    );
    assert_contiguous(lines[1]["seq"].as_u64().unwrap(), &lines[2..]);
    assert_eq!(lines.last().unwrap()["type"], "bye");
    assert!(watched.err.iter().any(|line| line.contains("trying again")));
}

#[test]
fn a_move_that_is_typed_at_once_is_seen() {
    let server = Server::start(&["--script", "", "--stay"]);
    for _ in 0..10 {
        let mut player = start(&server, &["play", "--name", "ann"]);
        player.type_in("n\n");
        while !player.next_out().unwrap().contains("got `N ann`") {}
    }
}

#[test]
fn a_random_walk_is_somebody_to_play_with() {
    let server = Server::start(&["--script", "", "--stay"]);
    let mut spectator = server.join();
    let robot = start(&server, &["play", "--name", "robot", "--random-walk", "20ms", "--quiet"]);
    let mut directions = BTreeSet::new();
    while directions.len() < 4 {
        let step = spectator.wait_for(|line| line["type"] == "move");
        assert_eq!((&step["name"], &step["from"]), (&"robot".into(), &"tcp#2".into()));
        directions.insert(step["direction"].to_string());
    }
    robot.signal(Signal::TERM);
    let finished = robot.finish();
    assert_eq!((finished.code(), finished.out.len()), (Some(143), 0), "{:?}", finished.out);
}

#[test]
fn another_game_at_the_same_place_is_followed_too() {
    let first = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let proxy = Proxy::to(first.address(), &[]);
    let watcher =
        Process::start(&mut first.client(&["watch", "--server", &proxy.address().to_string()]));
    watcher.wait_for_err(|line| line.contains("connected: game"));
    let second = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    proxy.lead_to(second.address());
    drop(first);
    watcher.wait_for_err(|line| line.contains("trying again"));
    watcher.wait_for_err(|line| line.contains("connected: game"));
    second.signal(Signal::TERM);
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0));
    assert_eq!(watched.out.last().unwrap(), "terminated - bye");
}

#[test]
fn without_retry_a_lost_connection_is_the_end() {
    let server = Server::start(&["--script", "", "--stay"]);
    let proxy = Proxy::to(server.address(), &[]);
    let mut command =
        server.client(&["watch", "--no-retry", "--server", &proxy.address().to_string()]);
    let watcher = Process::start(&mut command);
    watcher.wait_for_err(|line| line.contains("connected"));
    proxy.cut();
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(1));
    assert!(
        watched.err.last().unwrap().starts_with("error: the connection to the server is lost"),
        "{:?}",
        watched.err
    );
}

#[test]
fn without_a_server_it_says_what_to_try() {
    for args in [["watch", "--json"], ["play", "--name=ann"]] {
        let mut command = Command::new(program("client"));
        let finished =
            Process::start(command.args(args).args(["--server", "127.0.0.1:1"])).finish();
        assert_eq!((finished.code(), finished.out.len()), (Some(1), 0));
        let message = finished.err.last().unwrap();
        assert!(
            message.contains("no server at 127.0.0.1:1") && message.contains("--server HOST:PORT"),
            "{message}"
        );
    }
}

#[test]
fn a_reader_that_has_gone_ends_it_quietly() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let script =
        format!("'{}' watch | head -3; echo ${{PIPESTATUS[0]}}", program("client").display());
    let mut command = Command::new("bash");
    command
        .args(["-c", &script])
        .env("TRIBUNE_SERVER", server.address().to_string())
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(out.lines().count(), 4);
    assert_eq!(out.lines().last(), Some("0"));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.lines().all(|line| line.starts_with("connected: game")), "{err}");
}

#[test]
fn what_is_typed_moves_the_player_and_refusals_are_shown() {
    let server = Server::start(&["--script", "", "--stay", "--max-players", "1"]);
    let mut spectator = server.join();
    let mut player = start(&server, &["play", "--name", "ann", "--keep-watching"]);
    player.wait_for_err(|line| line.contains("connected"));
    player.type_in("n\nE x!\nN bob\nw e\n");
    player.wait_for_err(|line| line.contains("invalid move \"E x!\""));
    player.wait_for_err(|line| line.contains("refused (too_many_players)"));
    let lines: Vec<Value> =
        (0..3).map(|_| spectator.wait_for(|line| line["type"] == "move")).collect();
    let moves: String = lines.iter().map(|line| line["direction"].as_str().unwrap()).collect();
    assert_eq!(moves, "NWE");
    assert!(lines.iter().all(|line| line["name"] == "ann"));
    assert!(player.next_out().is_some());
    player.signal(Signal::INT);
    assert_eq!(player.finish().code(), Some(130));
}

/// Plays in a terminal of its own, and prints whether the terminal was left as it was.
const IN_TERMINAL: &str = r#"
import os, pty, sys, termios, time
near, far = pty.openpty()
before = termios.tcgetattr(far)
pid = os.fork()
if pid == 0:
    os.setsid()
    os.close(near)
    for stream in (0, 1, 2):
        os.dup2(far, stream)
    os.execv(sys.argv[1], sys.argv[1:])
out = b""
while b"connected" not in out:
    out += os.read(near, 4096)
os.write(near, b"\x1b[A\x1bOBhl")
while out.count(b"got `") < 4:
    out += os.read(near, 4096)
os.write(near, b"q")
status = os.waitpid(pid, 0)[1]
print("exit", os.waitstatus_to_exitcode(status))
print("restored", termios.tcgetattr(far) == before)
print("echoed", b"^[[A" in out)
"#;

#[test]
fn in_a_terminal_single_keys_move_the_player() {
    let server = Server::start(&["--script", "", "--stay"]);
    let mut spectator = server.join();
    let mut command = Command::new("python3");
    command
        .args(["-c", IN_TERMINAL])
        .arg(program("client"))
        .args(["play", "--name", "ann", "--server"]);
    let output = command.arg(server.address().to_string()).output().expect("python3 is installed");
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        out,
        "exit 0\nrestored True\nechoed False\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let moves: String = (0..4)
        .map(|_| {
            spectator.wait_for(|line| line["type"] == "move")["direction"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(moves, "NSWE");
}

#[test]
fn somebody_else_is_not_taken_for_a_server() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let greeter = thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap();
        stream
    });
    let mut command = Command::new(program("client"));
    let finished = Process::start(command.args(["watch", "--server", &address])).finish();
    assert_eq!(finished.code(), Some(1));
    let message = finished.err.last().unwrap();
    assert!(message.contains("SSH") && message.contains("--server HOST:PORT"), "{message}");
    drop(greeter.join().unwrap());
}

#[test]
fn without_arguments_it_says_what_there_is() {
    let finished = Process::start(&mut Command::new(program("client"))).finish();
    assert_eq!((finished.code(), finished.out.len()), (Some(2), 0));
    assert!(
        finished.err.iter().any(|line| line.trim_start().starts_with("watch")),
        "{:?}",
        finished.err
    );
}

#[test]
fn a_ping_says_whether_there_is_a_server() {
    let server = Server::start(&["--script", "", "--stay"]);
    let there = start(&server, &["ping"]).finish();
    assert_eq!(there.code(), Some(0));
    assert!(
        there.out[0].starts_with(&format!("pong from {}", server.address())),
        "{:?}",
        there.out
    );

    // Somebody who accepts, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let not_there = start(&server, &["ping", "--timeout", "200ms", "--server", &address]).finish();
    assert_eq!(not_there.code(), Some(1));
    assert!(not_there.err[0].contains("within 200ms"), "{:?}", not_there.err);

    drop(silent);
    let refused = start(&server, &["ping", "--server", "127.0.0.1:1"]).finish();
    assert_eq!(refused.code(), Some(1));
}

#[test]
fn a_server_that_the_environment_names_wrongly_matters_only_where_it_is_asked_for() {
    let server = Server::start(&["--script", "", "--stay"]);
    let ping = |args: &[&str]| {
        let mut command = server.client(&[&["ping"], args].concat());
        Process::start(command.env("TRIBUNE_SERVER", "nowhere")).finish()
    };
    let named = ping(&["--server", &server.address().to_string()]);
    assert_eq!(named.code(), Some(0), "{:?}", named.err);
    let asked_for = ping(&[]);
    assert_eq!(asked_for.code(), Some(2));
    let complaint = &asked_for.err[0];
    for part in ["TRIBUNE_SERVER", "\"nowhere\"", "HOST:PORT"] {
        assert!(complaint.contains(part), "{complaint}");
    }
}

#[test]
fn a_signal_ends_it_with_the_code_that_shells_know() {
    let server = Server::start(&["--script", "", "--stay"]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let watcher = start(&server, &["watch"]);
        watcher.wait_for_err(|line| line.contains("connected"));
        watcher.signal(signal);
        assert_eq!(watcher.finish().code(), Some(code));
    }
    eventually("both have gone", || {
        server.join().state["players"].as_array().unwrap().is_empty().then_some(())
    });
}

//! `client watch`, `client play` and `client ping`.

use std::{
    collections::BTreeSet,
    io::Write,
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Process, Proxy, Server, assert_contiguous, eventually, program};

fn start(server: &Server, args: &[&str]) -> Process {
    Process::start(&mut server.client(args))
}

#[test]
fn watch_prints_the_lines_of_the_console_and_ends_with_the_game() {
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
fn watch_json_prints_the_lines_of_the_stream() {
    let server = Server::start(&["--script", "1:1"]);
    let watched = start(&server, &["watch", "--json"]).finish();
    let lines: Vec<Value> =
        watched.out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["type"], &lines[1]["type"]), (&"welcome".into(), &"state".into()));
    assert_contiguous(lines[1]["seq"].as_u64().unwrap(), &lines[2..]);
    assert_eq!(lines.last().unwrap()["type"], "bye");
}

#[test]
fn move_that_is_typed_before_the_client_connects_is_made() {
    let server = Server::start(&["--script", "", "--stay"]);
    for _ in 0..10 {
        let mut player = start(&server, &["play", "--name", "ann"]);
        player.type_in("n\n");
        while !player.next_out().unwrap().contains("got `N ann`") {}
    }
}

#[test]
fn random_walk_moves_in_all_directions() {
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
fn watch_follows_the_next_game_at_the_same_address() {
    let first = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let proxy = Proxy::to(first.address(), &[]);
    let watcher =
        Process::start(&mut first.client(&["watch", "--server", &proxy.address().to_string()]));
    watcher.wait_for_err(|line| line.contains("connected: game"));
    let second = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    proxy.redirect_to(second.address());
    drop(first);
    watcher.wait_for_err(|line| line.contains("trying again"));
    watcher.wait_for_err(|line| line.contains("connected: game"));
    second.signal(Signal::TERM);
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0));
    assert_eq!(watched.out.last().unwrap(), "terminated - bye");
}

#[test]
fn lost_connection_is_an_error_with_no_retry() {
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
fn unreachable_server_is_reported_with_a_hint() {
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
fn closed_standard_output_ends_watch_without_an_error() {
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
fn typed_lines_move_the_player_and_refusals_are_shown() {
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

/// Plays in a new terminal, and prints whether the client restored the terminal's settings.
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
fn single_keys_move_the_player_in_a_terminal() {
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
fn server_of_another_protocol_is_reported() {
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
fn subcommands_are_listed_without_arguments() {
    let finished = Process::start(&mut Command::new(program("client"))).finish();
    assert_eq!((finished.code(), finished.out.len()), (Some(2), 0));
    assert!(
        finished.err.iter().any(|line| line.trim_start().starts_with("watch")),
        "{:?}",
        finished.err
    );
}

#[test]
fn ping_reports_whether_a_server_responds() {
    let server = Server::start(&["--script", "", "--stay"]);
    let there = start(&server, &["ping"]).finish();
    assert_eq!(there.code(), Some(0));
    assert!(
        there.out[0].starts_with(&format!("pong from {}", server.address())),
        "{:?}",
        there.out
    );

    // A listener whose connections never receive anything.
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
fn invalid_server_in_the_environment_matters_only_if_it_is_used() {
    let server = Server::start(&["--script", "", "--stay"]);
    let ping = |args: &[&str]| {
        let mut command = server.client(&[&["ping"], args].concat());
        Process::start(command.env("TRIBUNE_SERVER", "nowhere")).finish()
    };
    let given = ping(&["--server", &server.address().to_string()]);
    assert_eq!(given.code(), Some(0), "{:?}", given.err);
    let used = ping(&[]);
    assert_eq!(used.code(), Some(2));
    let message = &used.err[0];
    for part in ["TRIBUNE_SERVER", "\"nowhere\"", "HOST:PORT"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn signal_ends_watch_with_exit_code_128_plus_its_number() {
    let server = Server::start(&["--script", "", "--stay"]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let watcher = start(&server, &["watch"]);
        watcher.wait_for_err(|line| line.contains("connected"));
        watcher.signal(signal);
        assert_eq!(watcher.finish().code(), Some(code));
    }
    eventually("both have left", || {
        server.join().state["players"].as_array().unwrap().is_empty().then_some(())
    });
}

//! `client play` with standard input that is not a terminal, and with held keys.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Finished, Process, Server, Spectator, program};

/// Runs `client play` as `ann` with `input`, to its end.
fn play(server: &Server, input: &str, args: &[&str]) -> Finished {
    let mut player =
        Process::start(&mut server.client(&[&["play", "--name", "ann"], args].concat()));
    player.type_in(input);
    player.finish()
}

/// The next moves that `spectator` gets, as `N ann`.
fn moves(spectator: &mut Spectator, count: usize) -> Vec<String> {
    let one = |line: Value| {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        format!("{} {}", text("direction"), text("name"))
    };
    (0..count).map(|_| one(spectator.wait_for(|line| line["type"] == "move"))).collect()
}

#[test]
fn play_ends_after_its_last_move_when_its_input_ends() {
    let server = Server::start(&["--script", "", "--stay"]);
    let mut spectator = server.join();
    for input in ["n n e", "n\nN\r\ne\n"] {
        let played = play(&server, input, &[]);
        assert_eq!(played.code(), Some(0), "{:?}", played.err);
        assert_eq!(moves(&mut spectator, 3), ["N ann", "N ann", "E ann"]);
        let is_own = |line: &&String| line.contains(" ann` from tcp#");
        assert_eq!(played.out.iter().filter(is_own).count(), 3, "{:?}", played.out);
    }
    assert_eq!(play(&server, "", &[]).code(), Some(0), "play without any moves failed");
}

#[test]
fn play_fails_if_the_game_ends_before_all_moves_are_made() {
    let server = Server::start(&["--script", "0:1", "--agent", "cat", "--move-rate", "1"]);
    let mut player = Process::start(&mut server.client(&["play", "--name", "ann"]));
    player.type_in(&"n".repeat(100));
    player.close_input();
    server.join().wait_for(|line| line["type"] == "move");
    server.signal(Signal::TERM);
    let played = player.finish();
    assert_eq!(played.code(), Some(1), "{:?}", played.err);
    let last = played.err.last().unwrap();
    assert_eq!(last, "error: the game ended before all moves were made");
}

#[test]
fn all_forms_of_a_move_are_accepted() {
    let server = Server::start(&["--script", "", "--stay"]);
    let mut spectator = server.join();
    let input =
        "N ann\ns bob\n{\"type\":\"move\",\"direction\":\"W\",\"name\":\"eve\"}\nwhat is this\ne\n";
    let played = play(&server, input, &[]);
    assert_eq!(played.code(), Some(0), "{:?}", played.err);
    assert_eq!(moves(&mut spectator, 4), ["N ann", "S bob", "W eve", "E ann"]);
    assert!(
        played.err.iter().any(|line| line.contains("invalid move \"what is this\"")),
        "{:?}",
        played.err
    );
}

#[test]
fn many_moves_are_sent_at_the_rate_of_the_server_and_all_are_made() {
    let server = Server::start(&["--script", "", "--stay", "--move-rate", "200"]);
    let mut spectator = server.join();
    assert_eq!(spectator.welcome["move_rate"], 200);
    let played = play(&server, &"n\n".repeat(1500), &["--quiet"]);
    assert_eq!(played.code(), Some(0), "{:?}", played.err);
    assert!(!played.err.iter().any(|line| line.contains("refused")), "{:?}", played.err);
    assert_eq!(moves(&mut spectator, 1500).len(), 1500);
}

#[test]
fn moves_are_not_delayed_without_a_rate() {
    let server = Server::start(&["--script", "", "--stay", "--move-rate", "0"]);
    let mut spectator = server.join();
    assert_eq!(spectator.welcome["move_rate"], 0);
    let played = play(&server, &"s\n".repeat(5000), &["--quiet"]);
    assert_eq!((played.code(), moves(&mut spectator, 5000).len()), (Some(0), 5000));
}

#[test]
fn keep_watching_goes_on_after_the_end_of_input() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let mut spectator = server.join();
    let mut player =
        Process::start(&mut server.client(&["play", "--name", "ann", "--keep-watching"]));
    player.type_in("n");
    player.close_input();
    assert_eq!(moves(&mut spectator, 1), ["N ann"]);
    while !player.next_out().unwrap().contains("got `N ann`") {}
    for _ in 0..10 {
        assert!(player.next_out().unwrap().starts_with("clock"));
    }
    server.signal(Signal::TERM);
    assert_eq!(player.finish().code(), Some(0));
}

#[test]
fn repeated_refusals_are_counted_instead_of_printed() {
    let server =
        Server::start(&["--script", "", "--stay", "--max-players", "1", "--move-rate", "0"]);
    let input: String = (0..900).fold("N ann\n".to_owned(), |all, n| all + &format!("N p{n}\n"));
    let played = play(&server, &input, &[]);
    assert_eq!(played.code(), Some(0), "{:?}", played.err);
    let refused: Vec<_> =
        played.err.iter().filter(|line| line.contains("too_many_players")).collect();
    assert!((2..20).contains(&refused.len()), "{refused:?}");
    let counted = refused.iter().filter_map(|line| {
        line.rsplit_once(" (and ")?.1.strip_suffix(" more like it)")?.parse::<u64>().ok()
    });
    assert_eq!(counted.sum::<u64>(), 899, "{refused:?}");
}

/// Holds a key down in a new terminal for two seconds, and then quits.
const HELD_KEY: &str = r#"
import os, pty, select, sys, time
pid, near = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
out = b""
def read(seconds):
    global out
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([near], [], [], left)[0]:
            out += os.read(near, 65536)
while b"connected" not in out:
    read(0.01)
for _ in range(100):
    os.write(near, b"n")
    read(0.02)
os.write(near, b"q")
try:
    while chunk := os.read(near, 65536):
        out += chunk
except OSError:
    pass
print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print("refused", out.count(b"refused"))
print("lines", out.count(b"not sent"))
"#;

#[test]
fn held_key_is_neither_refused_nor_reported_line_by_line() {
    let server = Server::start(&["--script", "", "--stay", "--move-rate", "4"]);
    let mut command = Command::new("python3");
    command.args(["-c", HELD_KEY]).arg(program("client"));
    command.args(["play", "--name", "ann", "--server", &server.address().to_string()]);
    let output = command.output().expect("python3 is installed");
    let out = String::from_utf8_lossy(&output.stdout);
    let number = |name: &str| {
        let line = out.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("-1");
        line.trim().parse::<i64>().unwrap()
    };
    assert_eq!((number("exit"), number("refused")), (0, 0), "{out}");
    assert!((1..20).contains(&number("lines")), "{out}");
}

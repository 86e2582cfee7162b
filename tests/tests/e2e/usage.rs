//! Usage errors and failures are one line that names the value, its place, and what is expected.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, process::Command};

use tempfile::tempdir;
use tribune_tests::{Process, Server, program};

/// Runs `name` with `args`, and checks its exit code and its only line on standard error.
#[track_caller]
fn assert_fails(name: &str, args: &[&str], code: i32, parts: &[&str]) {
    let finished = Process::start(Command::new(program(name)).args(args)).finish();
    assert_eq!(finished.err.len(), 1, "{args:?}: {:?}", finished.err);
    assert_eq!(finished.code(), Some(code), "{args:?}: {:?}", finished.err);
    assert!(finished.out.is_empty(), "{args:?}: {:?}", finished.out);
    for part in parts {
        assert!(finished.err[0].contains(part), "{args:?}: {} lacks {part:?}", finished.err[0]);
    }
}

#[test]
fn busy_port_is_named() {
    let server = Server::start(&["--script", "", "--stay"]);
    let address = server.address().to_string();
    assert_fails("server", &["--listen", &address], 1, &[&address, "in use", "--listen"]);
}

#[test]
fn invalid_script_is_shown_with_the_entry_and_what_is_expected() {
    assert_fails("server", &["--script", "0:1,1"], 2, &["entry 2", "\"1\"", "0.5:1"]);
    assert_fails("server", &["--script", "0:7"], 2, &["\"7\"", "1, 2, 3 or 4"]);
    assert_fails("server", &["--script", "soon:1"], 2, &["entry 1", "number of seconds"]);
    assert_fails("server", &["--script", "99999999999:1"], 2, &["from 0 to 31536000 (a year)"]);
}

#[test]
fn invalid_scenario_is_shown_with_its_line() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let path = path.to_str().unwrap();
    assert_fails("server", &["--scenario", path], 1, &[path, "No such file"]);
    fs::write(path, "[[worker]]\nat = 0\npredef = 9\n").unwrap();
    assert_fails("server", &["--scenario", path], 2, &[&format!("{path}:3:"), "1, 2, 3 or 4"]);
    fs::write(path, "[[worker]]\nat = 0\npredef = 1\ncolor = 3\n").unwrap();
    assert_fails("server", &["--scenario", path], 2, &[&format!("{path}:4:"), "color"]);
    fs::write(path, "[[worker]]\nat = \"\\u001b\"\npredef = 1\n").unwrap();
    assert_fails(
        "server",
        &["--scenario", path],
        2,
        &[&format!("{path}:2:"), "invalid at", "seconds"],
    );
    fs::write(path, b"[[worker]]\nat = 0 # caf\xe9\n").unwrap();
    assert_fails("server", &["--scenario", path], 1, &[path, "line 2 is not UTF-8"]);
    assert_fails("server", &["--scenario", "/dev/zero"], 1, &["/dev/zero", "more than 16777216"]);
}

#[test]
fn negative_value_is_shown_with_its_option() {
    for option in ["--tick", "--grace", "--flush-interval"] {
        assert_fails("server", &[option, "-1s"], 2, &["'-1s'", option, "a time from "]);
    }
    assert_fails("server", &["--log-bytes", "-1KiB"], 2, &["'-1KiB'", "--log-bytes", "4096"]);
    assert_fails("server", &["--board", "-1x3"], 2, &["'-1x3'", "--board"]);
    assert_fails("server", &["echo", "--delay", "-1s"], 2, &["'-1s'", "--delay"]);
    assert_fails("client", &["ping", "--timeout", "-1s"], 2, &["'-1s'", "--timeout"]);
    assert_fails("client", &["herd", "-n", "-5"], 2, &["'-5'", "--jobs", "from 1 to "]);
    assert_fails("players-agent", &["--seed", "-1"], 2, &["'-1'", "--seed", "not negative"]);
    assert_fails("players-agent", &["-1"], 2, &["'-1'", "1, 2, 3 or 4"]);
}

#[test]
fn time_without_a_unit_is_in_seconds() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "1"]);
    assert_eq!(server.join().welcome["tick_ms"], 1000);
    let server = Server::start(&["--script", "", "--stay", "--tick", "0.25"]);
    assert_eq!(server.join().welcome["tick_ms"], 250);
    let pong = Process::start(&mut server.client(&["ping", "--timeout", "60"])).finish();
    assert_eq!(pong.code(), Some(0), "{:?}", pong.err);
    let help = Process::start(Command::new(program("client")).args(["ping", "--help"])).finish();
    assert_eq!(help.out.iter().filter(|line| line.starts_with("TIME is")).count(), 1);
}

#[test]
fn values_from_the_environment_are_checked() {
    let run = |name: &str, args: &[&str], variable: &str, value: &OsStr| {
        Process::start(Command::new(program(name)).args(args).env(variable, value)).finish()
    };
    for value in [OsStr::new("here"), OsStr::from_bytes(b"\xff:1"), OsStr::new("\u{1b}[2J")] {
        let finished = run("client", &["ping"], "TRIBUNE_SERVER", value);
        assert_eq!(finished.code(), Some(2), "{:?}", finished.err);
        assert!(finished.err[0].contains("TRIBUNE_SERVER: expected HOST:PORT"));
    }
    let args = ["--listen", "127.0.0.1:0", "--script", ""];
    let finished = run("server", &args, "RUST_LOG", OsStr::new("\u{9b}2J=x"));
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
    assert!(
        finished.err[0].starts_with("invalid RUST_LOG \"\\u{9b}2J=x\": expected error, "),
        "{:?}",
        finished.err
    );
}

#[test]
fn sizes_have_bounds() {
    for size in ["16EiB", "65GiB", "0", "4095", "much"] {
        assert_fails("server", &["--log-bytes", size], 2, &["--log-bytes", "from 4096 to 64GiB"]);
    }
}

#[test]
fn no_message_has_terms_of_the_programming_language() {
    let usages: [(&str, &[&str]); 10] = [
        ("server", &["--max-players", "0"]),
        ("server", &["--shards", "x"]),
        ("server", &["--seed", "x"]),
        ("server", &["--max-clients", "99999999999999999999999"]),
        ("server", &["--log-format", "xml"]),
        ("players-agent", &["--seed", "x"]),
        ("client", &["herd", "--jobs", "0"]),
        ("client", &["herd", "--size", "5"]),
        ("client", &["herd", "--workers", "1000"]),
        ("client", &["herd", "--mode", "fly"]),
    ];
    for (name, args) in usages {
        let finished = Process::start(Command::new(program(name)).args(args)).finish();
        let [line] = &finished.err[..] else { panic!("{args:?}: {:?}", finished.err) };
        assert!(line.contains(": expected "), "{line}");
        for word in ["..", "digit found", "integer", "u8", "usize", "["] {
            assert!(!line.contains(word), "{word:?} in {line}");
        }
    }
}

#[test]
fn invalid_arguments_are_refused() {
    assert_fails("server", &["--board", "big"], 2, &["--board", "32x16"]);
    assert_fails("server", &["--max-clients", "-1"], 2, &["--max-clients", "not negative"]);
    assert_fails("server", &["echo", "--delay", "soon"], 2, &["--delay", "500ms"]);
    assert_fails("server", &["--listen", "here"], 2, &["\"here\"", "127.0.0.1:7777"]);
    assert_fails("server", &["--lisen", "x"], 2, &["--listen"]);
    assert_fails("players-agent", &["5"], 2, &["\"5\"", "1, 2, 3 or 4"]);
    assert_fails("client", &["watch", "--server", "here"], 2, &["HOST:PORT"]);
    assert_fails("client", &["play"], 2, &["--name"]);
    assert_fails("client", &["play", "--name", "a b"], 2, &["letters, digits"]);
}

#[test]
fn server_has_the_players_agent_as_a_subcommand() {
    let players = |name: &str, args: &[&str]| {
        Process::start(Command::new(program(name)).args(args).args(["1", "--seed", "3"]))
            .finish()
            .out
    };
    let moves = players("players-agent", &[]);
    assert_eq!(moves.len(), 10);
    assert_eq!(moves, players("server", &["players-agent"]));
    let list = Process::start(Command::new(program("players-agent")).arg("--list")).finish();
    assert_eq!(list.out.len(), 4);
    assert!(list.out[0].contains("john") && list.out[0].contains("mary"));
}

#[test]
fn players_agent_ends_without_an_error_when_its_output_is_closed() {
    let script =
        format!("'{}' 1 | head -1; echo ${{PIPESTATUS[0]}}", program("players-agent").display());
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!((out.lines().count(), out.lines().last()), (2, Some("0")));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn unknown_game_is_refused_with_the_built_in_ones() {
    let expected = "expected walk, snake, or the command of a referee";
    for (game, part) in [("sneke", "no program sneke in PATH"), ("", ""), ("python3 'x", "quot")] {
        assert_fails("server", &["--game", game], 2, &["--game", expected, part]);
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    for name in ["server", "client", "players-agent"] {
        let help = Process::start(Command::new(program(name)).arg("--help")).finish();
        assert_eq!(help.code(), Some(0));
        let text = help.out.join("\n");
        assert!(text.contains("Examples:") && text.contains(&format!("  {name} ")), "{text}");
    }
}

//! What a program gets from the server, and what is hidden from it.

use std::process::Command;

use serde_json::Value;
use tribune_tests::{Server, program, unprivileged};

/// The output of a program that runs `script` in a shell, on a server started by `command`.
fn printed(command: &mut Command, script: &str) -> Vec<String> {
    // It waits until the test has joined.
    let agent = format!("sh -c 'read line; read line; sleep 0.3; {script}'");
    let server = Server::start_as(command, &["--script", "0.5:1", "--agent", &agent]);
    let mut spectator = server.join();
    let game = spectator.welcome["game"].as_str().unwrap().to_owned();
    let events = spectator.rest();
    assert_eq!(server.finish().code(), Some(0));
    let output = |event: &Value| {
        (event["type"] == "output").then(|| event["line"].as_str().unwrap().replace(&game, "GAME"))
    };
    events.iter().filter_map(output).collect()
}

#[test]
fn program_gets_only_the_listed_variables() {
    let mut command = Command::new(program("server"));
    command.env("A_SECRET", "password").env("LC_ALL", "C").env("PYTHONPATH", "/nowhere");
    command.env("TRIBUNE_WORKER", "99");
    let lines = printed(&mut command, "env");
    let has = |entry: &str| lines.iter().any(|line| line == entry);
    assert!(
        !lines.iter().any(|line| line.contains("SECRET") || line.starts_with("CARGO")),
        "{lines:?}"
    );
    for entry in [
        "LC_ALL=C",
        "PYTHONPATH=/nowhere",
        "TRIBUNE_WORKER=1",
        "TRIBUNE_GAME=GAME",
        "PYTHONUNBUFFERED=1",
    ] {
        assert!(has(entry), "no {entry} in {lines:?}");
    }
    for name in ["PATH=", "TRIBUNE_SERVER=127.0.0.1:", "TRIBUNE_SEED="] {
        assert!(lines.iter().any(|line| line.starts_with(name)), "no {name} in {lines:?}");
    }
}

#[test]
fn program_inherits_only_its_three_streams() {
    let mut command = Command::new("bash");
    // Two descriptors that are not closed on exec.
    let start = "exec 7</etc/passwd 42>/dev/null; exec \"$0\" \"$@\"";
    command.args(["-c", start]).arg(program("server"));
    // The fourth is the folder that `ls` reads.
    assert_eq!(printed(&mut command, "echo $(ls /proc/self/fd)"), ["0 1 2 3"]);
}

#[test]
fn program_cannot_read_the_keyboard_or_memory_of_the_server() {
    // Root can open everything.
    let mut command = unprivileged(&program("server"));
    let script = "id -u; for file in fd fd/0 mem environ; do \
                  if cat /proc/$PPID/$file >/dev/null 2>/dev/null || ls /proc/$PPID/$file/ >/dev/null 2>/dev/null; \
                  then echo open $file; else echo closed $file; fi; done";
    let lines = printed(&mut command, script);
    let want = ["closed fd", "closed fd/0", "closed mem", "closed environ"];
    // If only root can reach the executables, the server runs as root, and there is nothing to check.
    assert!(lines[0] == "0" || lines[1..] == want, "{lines:?}");
}

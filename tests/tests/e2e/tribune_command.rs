//! The `tribune` command is the server and the client.

use std::process::Command;

use tribune_tests::{Process, Server, program};

#[test]
fn tribune_server_starts_players_and_tribune_pings_it() {
    let mut command = Command::new(program("tribune"));
    let server = Server::start_as(command.arg("server"), &["--script", "0:1", "--stay"]);
    let moved = server.join().wait_for(|line| line["type"] == "move");
    assert_eq!(moved["from"], "ps#1");
    let address = server.address().to_string();
    let mut ping = Command::new(program("tribune"));
    let finished = Process::start(ping.args(["ping", "--server", &address])).finish();
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
}

#[test]
fn messages_of_tribune_name_its_own_subcommands() {
    let mut command = Command::new(program("tribune"));
    // Nothing listens on the discard port.
    let finished = Process::start(command.args(["watch", "--server", "127.0.0.1:9"])).finish();
    assert_eq!(finished.code(), Some(1));
    assert!(finished.err[0].contains("start one with `tribune server`"), "{:?}", finished.err);
}

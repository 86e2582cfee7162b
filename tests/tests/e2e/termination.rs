//! Programs and all that they have started end with the game, however the server ends.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Server, eventually, exists, parent, processes_with, program};

use crate::misbehave;

/// A word that occurs in the command lines of one test only.
pub fn mark(test: &str) -> String {
    format!("{test}-{}", std::process::id())
}

/// The running processes of the test `mark` but for the server, whose arguments contain it too.
pub fn alive(server: u32, mark: &str) -> Vec<u32> {
    processes_with(mark).into_iter().filter(|&id| id != server && exists(id)).collect()
}

/// A server with a program that ignores SIGTERM and has a child that ignores it too.
pub fn server_with_two_stubborn(mark: &str, grace: &str) -> Server {
    start_two_stubborn(&mut Command::new(program("server")), mark, grace)
}

/// The same, started by `command`.
pub fn start_two_stubborn(command: &mut Command, mark: &str, grace: &str) -> Server {
    let agent = misbehave(&format!("two-stubborn {mark}"));
    let args = ["--script", "0:1", "--agent", &agent, "--grace", grace];
    let server = Server::start_as(command, &args);
    let mut out = 0;
    while out < 2 {
        out += usize::from(server.next_out().unwrap().contains("ready"));
    }
    assert_eq!(alive(server.id(), mark).len(), 2);
    server
}

/// Waits until no process of the test `mark` is left but the server.
pub fn wait_until_all_exit(server: u32, mark: &str) {
    eventually("all processes have exited", || alive(server, mark).is_empty().then_some(()));
}

fn check_signal_ends_everything(signal: Signal, test: &str, reason: &str) {
    let mark = mark(test);
    let server = server_with_two_stubborn(&mark, "100ms");
    let mut spectator = server.join();
    let id = server.id();
    server.signal(signal);
    let events = spectator.rest();
    let finished = server.finish();
    assert_eq!(finished.code(), Some(0));
    assert!(alive(id, &mark).is_empty(), "processes are left after the server");
    let exited = events.iter().find(|event| event["type"] == "exited").unwrap();
    assert_eq!(exited["signal"], 9);
    assert_eq!(events.last().unwrap()["reason"], reason);
    assert_eq!(finished.out.last().unwrap(), &format!("{reason} - bye"));
}

#[test]
fn sigint_ends_the_server_and_its_programs() {
    check_signal_ends_everything(Signal::INT, "sigint", "interrupted");
}

#[test]
fn sigterm_ends_the_server_and_its_programs() {
    check_signal_ends_everything(Signal::TERM, "sigterm", "terminated");
}

#[test]
fn sighup_ends_the_server_and_its_programs() {
    check_signal_ends_everything(Signal::HUP, "sighup", "hung up");
}

#[test]
fn second_sigint_aborts() {
    let mark = mark("second-sigint");
    let server = server_with_two_stubborn(&mark, "1h");
    let id = server.id();
    server.signal(Signal::INT);
    server.wait_for_err(|line| line.contains("ending the game"));
    server.signal(Signal::INT);
    assert_eq!(server.finish().code(), Some(130));
    wait_until_all_exit(id, &mark);
}

#[test]
fn programs_do_not_survive_a_killed_server() {
    let mark = mark("killed");
    let mut server = server_with_two_stubborn(&mark, "1h");
    let id = server.id();
    let guard = guard_of(id);
    server.kill();
    wait_until_all_exit(id, &mark);
    eventually("the guard has exited", || (!exists(guard)).then_some(()));
}

/// The guard of the server `id`.
pub fn guard_of(id: u32) -> u32 {
    eventually("there is a guard", || {
        processes_with("tribune-guard\0guard\0")
            .into_iter()
            .find(|&guard| parent(guard) == Some(id))
    })
}

#[test]
fn output_from_a_process_outside_the_session_does_not_delay_the_end() {
    // A child leaves the session and holds the output open.
    let child = "setsid sh -c \"while echo N talker; do sleep 0.05; done\" & sleep 0.3";
    let agent = format!("sh -c '{child}'");
    let (events, _) = Server::whole_game(&["--script", "0.2:1", "--agent", &agent]);
    assert!(events.iter().any(|event| event["type"] == "move"));
    assert_eq!(events.last().unwrap()["reason"], "no process left");
}

#[test]
fn program_that_waits_for_the_output_rate_does_not_delay_the_end() {
    let agent = misbehave("flood 100000000");
    let server = Server::start(&["--script", "0:1", "--agent", &agent, "--output-rate", "10"]);
    let mut spectator = server.join();
    spectator.wait_for(|line| line["type"] == "move");
    server.signal(Signal::TERM);
    let events = spectator.rest();
    assert_eq!(events.last().unwrap()["reason"], "terminated");
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn processes_that_a_program_leaves_behind_end_with_it() {
    let mark = mark("left-behind");
    let agent = misbehave(&format!("leave-behind {mark}"));
    let server = Server::start(&["--script", "0.2:1", "--agent", &agent, "--grace", "100ms"]);
    let id = server.id();
    let mut spectator = server.join();
    let events = spectator.rest();
    assert_eq!(server.finish().code(), Some(0));
    assert!(alive(id, &mark).is_empty());
    let moves: Vec<&Value> = events.iter().filter(|event| event["type"] == "move").collect();
    assert_eq!(moves.len(), 1, "the last line of the program is lost");
    assert_eq!(events.iter().find(|event| event["type"] == "exited").unwrap()["code"], 0);
}

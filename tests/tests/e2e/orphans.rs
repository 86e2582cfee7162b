//! Whatever happens to the server, nothing that it started is left.

use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Server, eventually, exists, parent, processes_with, program};

use crate::misbehave;

/// Something that stands in no command line but those of one test.
pub fn mark(test: &str) -> String {
    format!("{test}-{}", std::process::id())
}

/// The programs of the test `mark` that run, without the server, in whose arguments it stands too.
pub fn alive(server: u32, mark: &str) -> Vec<u32> {
    processes_with(mark).into_iter().filter(|&id| id != server && exists(id)).collect()
}

/// A server with a program that ignores polite requests, and a child of that program that does too.
pub fn server_with_two_stubborn(mark: &str, grace: &str) -> Server {
    start_two_stubborn(&mut Command::new(program("server")), mark, grace)
}

/// The same, by way of `command`.
pub fn start_two_stubborn(command: &mut Command, mark: &str, grace: &str) -> Server {
    let agent = misbehave(&format!("two-stubborn {mark}"));
    let args = ["--script", "0:1", "--agent", &agent, "--grace", grace];
    let server = Server::start_as(command, &args);
    let mut out = 0;
    while out < 2 {
        out += usize::from(server.next_out().unwrap().contains("I am here"));
    }
    assert_eq!(alive(server.id(), mark).len(), 2);
    server
}

pub fn all_are_gone(server: u32, mark: &str) {
    eventually("nothing is left", || alive(server, mark).is_empty().then_some(()));
}

fn a_signal_ends_all(signal: Signal, test: &str, reason: &str) {
    let mark = mark(test);
    let server = server_with_two_stubborn(&mark, "100ms");
    let mut spectator = server.join();
    let id = server.id();
    server.signal(signal);
    let events = spectator.rest();
    let finished = server.finish();
    assert_eq!(finished.code(), Some(0));
    assert!(alive(id, &mark).is_empty(), "they are gone before the server is");
    let exited = events.iter().find(|event| event["type"] == "exited").unwrap();
    assert_eq!(exited["signal"], 9);
    assert_eq!(events.last().unwrap()["reason"], reason);
    assert_eq!(finished.out.last().unwrap(), &format!("{reason} - bye"));
}

#[test]
fn an_interrupt_ends_all() {
    a_signal_ends_all(Signal::INT, "an-interrupt", "interrupted");
}

#[test]
fn a_request_to_terminate_ends_all() {
    a_signal_ends_all(Signal::TERM, "a-request", "terminated");
}

#[test]
fn a_terminal_that_hangs_up_ends_all() {
    a_signal_ends_all(Signal::HUP, "a-hang-up", "hung up");
}

#[test]
fn a_second_interrupt_does_not_wait() {
    let mark = mark("a-second-interrupt");
    let server = server_with_two_stubborn(&mark, "1h");
    let id = server.id();
    server.signal(Signal::INT);
    server.wait_for_err(|line| line.contains("ending the game"));
    server.signal(Signal::INT);
    assert_eq!(server.finish().code(), Some(130));
    all_are_gone(id, &mark);
}

#[test]
fn even_killing_the_server_leaves_nothing() {
    let mark = mark("a-kill");
    let mut server = server_with_two_stubborn(&mark, "1h");
    let id = server.id();
    let guard = guard_of(id);
    server.kill();
    all_are_gone(id, &mark);
    eventually("the guard is gone", || (!exists(guard)).then_some(()));
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
fn one_who_goes_his_own_way_and_talks_does_not_hold_up_the_end() {
    // It leaves the session, and holds the output open.
    let talker = "setsid sh -c \"while echo N talker; do sleep 0.05; done\" & sleep 0.3";
    let agent = format!("sh -c '{talker}'");
    let (events, _) = Server::whole_game(&["--script", "0.2:1", "--agent", &agent]);
    assert!(events.iter().any(|event| event["type"] == "move"));
    assert_eq!(events.last().unwrap()["reason"], "no process left");
}

#[test]
fn a_program_that_has_to_wait_does_not_hold_up_the_end() {
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
fn what_a_program_leaves_behind_ends_with_it() {
    let mark = mark("left-behind");
    let agent = misbehave(&format!("leave-behind {mark}"));
    let server = Server::start(&["--script", "0.2:1", "--agent", &agent, "--grace", "100ms"]);
    let id = server.id();
    let mut spectator = server.join();
    let events = spectator.rest();
    assert_eq!(server.finish().code(), Some(0));
    assert!(alive(id, &mark).is_empty());
    let moves: Vec<&Value> = events.iter().filter(|event| event["type"] == "move").collect();
    assert_eq!(moves.len(), 1, "what the program printed last is not lost");
    assert_eq!(events.iter().find(|event| event["type"] == "exited").unwrap()["code"], 0);
}

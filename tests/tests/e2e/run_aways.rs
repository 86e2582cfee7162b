//! Programs and their children that try to get away.

use std::process::Command;

use rustix::process::Signal;
use tribune_tests::{Server, children, eventually, exists, processes_with, program, unprivileged};

use crate::{
    misbehave,
    orphans::{alive, all_are_gone, mark},
};

/// As root the server puts programs into control groups, and else it has to do without: each is
/// tried, with a program that misbehaves as `how` says.
fn each_way(test: &str, how: &str, check: impl Fn(Server, &str)) {
    let server = program("server");
    for (way, mut command) in
        [("", Command::new(&server)), ("-unprivileged", unprivileged(&server))]
    {
        let mark = mark(&format!("{test}{way}"));
        let agent = misbehave(&format!("{how} {mark}"));
        let args = ["--script", "0:1", "--agent", &agent, "--grace", "100ms", "--stay"];
        check(Server::start_as(&mut command, &args), &mark);
    }
}

fn wait_for_out(server: &Server, part: &str, times: usize) {
    for _ in 0..times {
        while !server.next_out().unwrap().contains(part) {}
    }
}

#[test]
fn what_left_the_session_ends_with_its_program() {
    each_way("left-session", "run-away", |server, mark| {
        server
            .join()
            .wait_for(|line| line["type"] == "exited" || line["workers"] == serde_json::json!([]));
        all_are_gone(server.id(), mark);
        server.signal(Signal::TERM);
        assert_eq!(server.finish().code(), Some(0));
    });
}

#[test]
fn what_moves_to_another_control_group_ends_with_its_program() {
    each_way("left-group", "leave-control-group", |server, mark| {
        wait_for_out(&server, "exit code 0", 1);
        assert!(alive(server.id(), mark).is_empty(), "it is gone before its program is told to be");
    });
}

#[test]
fn what_cannot_be_told_to_be_of_a_program_ends_with_the_server() {
    each_way("unmarked", "run-away-unmarked", |server, mark| {
        wait_for_out(&server, "exit code 0", 1);
        let id = server.id();
        server.signal(Signal::TERM);
        assert_eq!(server.finish().code(), Some(0));
        assert!(alive(id, mark).is_empty(), "it is gone before the server is");
    });
}

#[test]
fn what_left_the_session_does_not_survive_a_server_that_is_killed() {
    each_way("left-killed", "two-run-away", |mut server, mark| {
        wait_for_out(&server, "I am here", 1);
        let id = server.id();
        assert_eq!(alive(id, mark).len(), 2);
        server.kill();
        all_are_gone(id, mark);
    });
}

#[test]
fn what_changes_its_group_all_the_time_is_ended_too() {
    each_way("turncoats", "turncoats", |server, mark| {
        wait_for_out(&server, "I am here", 9);
        let id = server.id();
        server.signal(Signal::TERM);
        assert_eq!(server.finish().code(), Some(0));
        assert!(alive(id, mark).is_empty(), "they are gone before the server is");
    });
}

#[test]
fn what_changes_its_group_all_the_time_does_not_survive_a_server_that_is_killed() {
    each_way("turncoats-killed", "turncoats", |mut server, mark| {
        wait_for_out(&server, "I am here", 9);
        let id = server.id();
        server.kill();
        all_are_gone(id, mark);
    });
}

#[test]
fn orphans_are_reaped() {
    let mark = mark("orphans");
    // Each is the child of a shell that ends at once.
    let script = format!(
        "for i in $(seq 40); do (sh -c \"sleep 0.2; : {mark}\" &); done; read line; sleep 1000"
    );
    let server =
        Server::start(&["--script", "0:1", "--agent", &format!("sh -c '{script}'"), "--stay"]);
    let id = server.id();
    let orphans = || {
        processes_with(&mark)
            .into_iter()
            .filter(|&process| tribune_tests::parent(process) == Some(id))
    };
    eventually("they come to the server", || (orphans().count() > 1).then_some(()));
    eventually("they have ended", || (orphans().count() <= 1).then_some(()));
    eventually("they are reaped", || children(id).into_iter().all(exists).then_some(()));
    server.signal(Signal::TERM);
    assert_eq!(server.finish().code(), Some(0));
}

//! Programs whose child processes leave the session, the process group or the control group.

use std::process::Command;

use rustix::process::Signal;
use tribune_tests::{Server, children, eventually, exists, processes_with, program, unprivileged};

use crate::{
    misbehave,
    termination::{alive, mark, wait_until_all_exit},
};

/// Runs `check` on a server whose program is `misbehave` in the mode `mode`: with control groups,
/// which the server uses as root, and without.
fn each_way(test: &str, mode: &str, check: impl Fn(Server, &str)) {
    let server = program("server");
    for (suffix, mut command) in
        [("", Command::new(&server)), ("-unprivileged", unprivileged(&server))]
    {
        let mark = mark(&format!("{test}{suffix}"));
        let agent = misbehave(&format!("{mode} {mark}"));
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
fn process_that_left_the_session_ends_with_its_program() {
    each_way("left-session", "leave-session", |server, mark| {
        server
            .join()
            .wait_for(|line| line["type"] == "exited" || line["workers"] == serde_json::json!([]));
        wait_until_all_exit(server.id(), mark);
        server.signal(Signal::TERM);
        assert_eq!(server.finish().code(), Some(0));
    });
}

#[test]
fn process_that_left_the_control_group_ends_with_its_program() {
    each_way("left-group", "leave-control-group", |server, mark| {
        wait_for_out(&server, "exit code 0", 1);
        assert!(
            alive(server.id(), mark).is_empty(),
            "the process is alive after the exit of its program was printed"
        );
    });
}

#[test]
fn process_that_cannot_be_assigned_to_a_program_ends_with_the_server() {
    each_way("unmarked", "leave-session-unmarked", |server, mark| {
        wait_for_out(&server, "exit code 0", 1);
        let id = server.id();
        server.signal(Signal::TERM);
        assert_eq!(server.finish().code(), Some(0));
        assert!(alive(id, mark).is_empty(), "the process is alive after the server");
    });
}

#[test]
fn process_that_left_the_session_does_not_survive_a_killed_server() {
    each_way("left-killed", "leave-session-and-stay", |mut server, mark| {
        wait_for_out(&server, "ready", 1);
        let id = server.id();
        assert_eq!(alive(id, mark).len(), 2);
        server.kill();
        wait_until_all_exit(id, mark);
    });
}

#[test]
fn processes_that_keep_changing_their_group_end_with_the_server() {
    each_way("change-group", "change-group", |server, mark| {
        wait_for_out(&server, "ready", 9);
        let id = server.id();
        server.signal(Signal::TERM);
        assert_eq!(server.finish().code(), Some(0));
        assert!(alive(id, mark).is_empty(), "processes are alive after the server");
    });
}

#[test]
fn processes_that_keep_changing_their_group_do_not_survive_a_killed_server() {
    each_way("change-group-killed", "change-group", |mut server, mark| {
        wait_for_out(&server, "ready", 9);
        let id = server.id();
        server.kill();
        wait_until_all_exit(id, mark);
    });
}

#[test]
fn orphans_are_reaped() {
    let mark = mark("orphans");
    // Each is the child of a shell that exits at once.
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
    eventually("the server has adopted the orphans", || (orphans().count() > 1).then_some(()));
    eventually("the orphans have exited", || (orphans().count() <= 1).then_some(()));
    eventually("the orphans are reaped", || children(id).into_iter().all(exists).then_some(()));
    server.signal(Signal::TERM);
    assert_eq!(server.finish().code(), Some(0));
}

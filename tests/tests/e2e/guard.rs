//! The process beside the server that outlives it.

use std::{fs, path::Path, process::Command};

use rustix::process::{Pid, Signal, kill_process};
use tribune_tests::{Server, eventually, exists, program, unprivileged};

use crate::orphans::{all_are_gone, guard_of, mark, start_two_stubborn};

/// As root the server puts programs into control groups, and else it has to do without: each is
/// tried.
fn each_way(test: &str, check: impl Fn(Server, &str)) {
    let server = program("server");
    for (how, mut command) in
        [("", Command::new(&server)), ("-unprivileged", unprivileged(&server))]
    {
        let mark = mark(&format!("{test}{how}"));
        command.env("RUST_LOG", "tribune_server=debug");
        check(start_two_stubborn(&mut command, &mark, "1h"), &mark);
    }
}

fn signal(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).unwrap();
    kill_process(id, signal).unwrap();
}

#[test]
fn it_has_a_name_of_its_own() {
    let server = Server::start(&["--script", "", "--stay"]);
    let guard = guard_of(server.id());
    let name = eventually("it has its name", || {
        fs::read_to_string(format!("/proc/{guard}/comm")).ok().filter(|name| name != "exe\n")
    });
    assert_eq!(name, "tribune-guard\n");
    let command = fs::read_to_string(format!("/proc/{guard}/cmdline")).unwrap();
    assert_eq!(command, "tribune-guard\0guard\0");
}

#[test]
fn it_withstands_the_signals_that_the_server_gets() {
    each_way("withstand", |mut server, mark| {
        let guard = guard_of(server.id());
        // Then it is ready.
        server.wait_for_err(|line| line.contains("guard updated sessions=1"));
        eventually("it has its name", || {
            let name = fs::read_to_string(format!("/proc/{guard}/comm")).ok()?;
            (name == "tribune-guard\n").then_some(())
        });
        for sent in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1] {
            signal(guard, sent);
        }
        let id = server.id();
        server.kill();
        all_are_gone(id, mark);
        eventually("the guard is gone", || (!exists(guard)).then_some(()));
    });
}

#[test]
fn another_takes_its_place() {
    each_way("another", |mut server, mark| {
        let id = server.id();
        for _ in 0..2 {
            server.wait_for_err(|line| line.contains("guard updated sessions=1"));
            signal(guard_of(id), Signal::KILL);
        }
        server.wait_for_err(|line| line.contains("guard updated sessions=1"));
        server.kill();
        all_are_gone(id, mark);
    });
}

#[test]
fn it_removes_control_groups() {
    each_way("control-groups", |mut server, mark| {
        let id = server.id();
        let game = server.join().welcome["game"].as_str().unwrap().to_owned();
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let mounts = mounts.lines().filter(|line| line.starts_with("cgroup2 "));
        let points: Vec<String> =
            mounts.filter_map(|line| Some(line.split(' ').nth(1)?.to_owned())).collect();
        server.kill();
        all_are_gone(id, mark);
        eventually("no control group is left", || {
            let left =
                points.iter().any(|point| has_below(Path::new(point), &format!("tribune-{game}")));
            (!left).then_some(())
        });
    });
}

fn has_below(folder: &Path, name: &str) -> bool {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).any(|path| path.ends_with(name) || has_below(&path, name))
}

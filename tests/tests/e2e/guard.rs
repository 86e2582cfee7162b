//! The guard: the process that kills the programs of a server that was killed.

use std::{fs, path::Path, process::Command};

use rustix::process::{Pid, Signal, kill_process};
use tribune_tests::{Server, eventually, exists, program, unprivileged};

use crate::termination::{guard_of, mark, start_two_stubborn, wait_until_all_exit};

/// Runs `check` with control groups, which the server uses as root, and without.
fn each_way(test: &str, check: impl Fn(Server, &str)) {
    let server = program("server");
    for (suffix, mut command) in
        [("", Command::new(&server)), ("-unprivileged", unprivileged(&server))]
    {
        let mark = mark(&format!("{test}{suffix}"));
        command.env("RUST_LOG", "tribune_server=debug");
        check(start_two_stubborn(&mut command, &mark, "1h"), &mark);
    }
}

fn signal(id: u32, signal: Signal) {
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).unwrap();
    kill_process(id, signal).unwrap();
}

#[test]
fn guard_is_named_in_process_lists() {
    let server = Server::start(&["--script", "", "--stay"]);
    let guard = guard_of(server.id());
    let name = eventually("the guard has its name", || {
        fs::read_to_string(format!("/proc/{guard}/comm")).ok().filter(|name| name != "exe\n")
    });
    assert_eq!(name, "tribune-guard\n");
    let command = fs::read_to_string(format!("/proc/{guard}/cmdline")).unwrap();
    assert_eq!(command, "tribune-guard\0guard\0");
}

#[test]
fn guard_ignores_the_signals_that_the_server_handles() {
    each_way("ignore-signals", |mut server, mark| {
        let guard = guard_of(server.id());
        // The guard knows the program from then on.
        server.wait_for_err(|line| line.contains("guard updated sessions=1"));
        eventually("the guard has its name", || {
            let name = fs::read_to_string(format!("/proc/{guard}/comm")).ok()?;
            (name == "tribune-guard\n").then_some(())
        });
        for sent in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::USR1] {
            signal(guard, sent);
        }
        let id = server.id();
        server.kill();
        wait_until_all_exit(id, mark);
        eventually("the guard has exited", || (!exists(guard)).then_some(()));
    });
}

#[test]
fn killed_guard_is_replaced() {
    each_way("replaced", |mut server, mark| {
        let id = server.id();
        for _ in 0..2 {
            server.wait_for_err(|line| line.contains("guard updated sessions=1"));
            signal(guard_of(id), Signal::KILL);
        }
        server.wait_for_err(|line| line.contains("guard updated sessions=1"));
        server.kill();
        wait_until_all_exit(id, mark);
    });
}

#[test]
fn guard_removes_control_groups() {
    each_way("control-groups", |mut server, mark| {
        let id = server.id();
        let game = server.join().welcome["game"].as_str().unwrap().to_owned();
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        let mounts = mounts.lines().filter(|line| line.starts_with("cgroup2 "));
        let points: Vec<String> =
            mounts.filter_map(|line| Some(line.split(' ').nth(1)?.to_owned())).collect();
        server.kill();
        wait_until_all_exit(id, mark);
        eventually("the control groups are removed", || {
            let left =
                points.iter().any(|point| contains(Path::new(point), &format!("tribune-{game}")));
            (!left).then_some(())
        });
    });
}

fn contains(folder: &Path, name: &str) -> bool {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    folders.filter(|path| path.is_dir()).any(|path| path.ends_with(name) || contains(&path, name))
}

//! The herd, against correct and against faulty servers.

mod faults;
mod usage;

use std::{fs, net::SocketAddr, process::Command};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{
    EchoServer, Fault, FaultyServer, Finished, Process, Server, eventually, program,
};

fn command(server: SocketAddr, args: &[&str]) -> Command {
    let mut command = Command::new(program("client"));
    command.args(["herd", "--server", &server.to_string()]).args(args);
    command
}

/// The report of a herd with `args`, and the exit code that it would have had on a machine that is fast
/// enough. The exit code in the report is the actual one.
fn herd(server: SocketAddr, args: &[&str]) -> (Value, i32) {
    let finished = Process::start(&mut command(server, &[args, &["--json"]].concat())).finish();
    report(&finished)
}

fn report(finished: &Finished) -> (Value, i32) {
    assert_eq!(finished.out.len(), 1, "one document: {:?} {:?}", finished.out, finished.err);
    let report: Value = serde_json::from_str(&finished.out[0]).unwrap();
    let code = finished.code().unwrap();
    assert_eq!(report["exit"], code);
    assert_eq!(report["verdict"], if code == 0 { "pass" } else { "fail" });
    let code = match (code, first_failed(&report)) {
        (5, Value::Null) => 0,
        (5, _) => 4,
        _ => code,
    };
    (report, code)
}

/// The first failed check, other than those that only show that this machine was too slow.
fn first_failed(report: &Value) -> &Value {
    let is_relevant =
        |failed: &&Value| !failed["check"].as_str().unwrap().starts_with("generator_");
    report["failed"].as_array().unwrap().iter().find(is_relevant).unwrap_or(&Value::Null)
}

/// Lost, duplicated, out of order, malformed.
fn faults(report: &Value) -> [i64; 4] {
    ["lost", "duplicated", "out_of_order", "malformed"]
        .map(|name| report["ledger"][name].as_i64().unwrap())
}

fn named(report: &Value) -> Vec<String> {
    let violations = report["violations"].as_array().unwrap();
    violations
        .iter()
        .map(|found| format!("{} {}", found["client"], found["violation"].as_str().unwrap()))
        .collect()
}

fn error_kinds(report: &Value) -> Vec<&str> {
    report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["kind"].as_str().unwrap())
        .collect()
}

#[test]
fn a_throttle_of_eight_is_never_exceeded() {
    let server = FaultyServer::echo(Fault::None);
    let (report, code) = herd(server.address(), &["--jobs", "12", "--throttle", "8"]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(
        (&report["achieved"]["max_active"], &report["achieved"]["connected"]),
        (&8.into(), &12.into())
    );
    assert!(server.max_open() <= 8, "the server saw {} at once", server.max_open());
    assert_eq!(report["ledger"]["received"], 12);
}

#[test]
fn failed_jobs_return_their_permits() {
    let server = FaultyServer::echo(Fault::Silence);
    let args = ["--jobs", "12", "--throttle", "8", "--timeout", "1s"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, error_kinds(&report)), (3, vec!["timeout"]));
    assert_eq!(
        report["errors"][0]["count"], 12,
        "a permit that is not returned would block the rest"
    );
    assert_eq!((faults(&report), &report["ledger"]["expected"]), ([12, 0, 0, 0], &12.into()));
    assert!(report["latency_us"]["service"].is_null(), "failures have no latency");
}

#[test]
fn concurrent_echoes_take_about_as_long_as_one() {
    let server = EchoServer::start(&["--delay", "400ms"]);
    let times = |args: &[&str]| {
        let (report, code) = herd(server.address(), args);
        assert_eq!(code, 0, "{report}");
        let time = |name: &str| report[name].as_f64().unwrap();
        (time("took_ms"), time("sum_ms"))
    };
    let (took, sum) = times(&["--jobs", "30", "--throttle", "0"]);
    assert!(sum >= 30.0 * 400.0 && took < sum / 10.0, "{took} ms for {sum} ms of work");
    let (took, sum) = times(&["--jobs", "3", "--sequential"]);
    assert!(took >= sum && sum >= 3.0 * 400.0, "{took} ms for {sum} ms of work");
}

#[test]
fn a_thousand_spectators_of_a_default_game_miss_nothing() {
    let server = Server::start(&[]);
    let (report, code) = herd(server.address(), &["--mode", "watch", "--jobs", "1000"]);
    assert_eq!((faults(&report), error_kinds(&report)), ([0; 4], vec![]), "{report}");
    assert_eq!(code, 0, "{report}");
    assert_eq!(
        (&report["achieved"]["connected"], &report["ledger"]["skipped_notified"]),
        (&1000.into(), &0.into())
    );
    let received = report["ledger"]["received"].as_u64().unwrap();
    assert!(received >= 30_000, "a game has more than 30 events: {received}");
    assert_eq!(report["ledger"]["expected"], received);
    assert!(report["ticks"]["count"].as_u64() >= Some(5) && !report["skew_us"].is_null());
    assert_eq!(server.finish().code(), Some(0));
}

/// The private memory, in bytes, of a herd of this many spectators of a game that only ticks.
fn memory_of(clients: u64) -> u64 {
    let server = Server::start(&["--script", "", "--stay"]);
    let args = ["--mode", "watch", "--jobs", &clients.to_string(), "--duration", "1h"];
    let herd = Process::start(&mut command(server.address(), &args));
    // All have joined when each has received a tick.
    herd.wait_for_err(|line| {
        let received = line.split(' ').find_map(|word| word.strip_prefix("received="));
        received.is_some_and(|received| received.parse::<u64>().unwrap() >= 2 * clients)
    });
    let status = fs::read_to_string(format!("/proc/{}/status", herd.id())).unwrap();
    let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    let kilobytes: u64 = anonymous.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    kilobytes * 1024
}

#[test]
fn an_idle_spectator_takes_at_most_four_kilobytes() {
    let each = memory_of(4000).saturating_sub(memory_of(50)) / 3950;
    assert!(each <= 4096, "{each} bytes");
}

#[test]
fn all_moves_of_players_return() {
    let server = Server::start(&["--script", "", "--stay"]);
    let args =
        ["--mode", "play", "--jobs", "20", "--move-interval", "50ms", "--duration", "1500ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    let moves = &report["moves"];
    assert!(moves["sent"].as_u64() >= Some(100), "{moves}");
    assert_eq!((&moves["returned"], &moves["refused"]), (&moves["sent"], &0.into()));
    assert!(!report["latency_us"]["response"].is_null());
}

#[test]
fn refused_moves_are_not_lost() {
    let server = Server::start(&["--script", "", "--stay", "--move-rate", "1"]);
    let args = ["--mode", "play", "--jobs", "2", "--move-interval", "50ms", "--duration", "1s"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, error_kinds(&report)), (1, vec!["move_refused"]), "{report}");
    assert_eq!(faults(&report), [0; 4]);
    assert!(report["errors"][0]["hint"].as_str().unwrap().contains("--move-rate"));
}

#[test]
fn spectators_come_and_go_within_the_throttle() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "50ms"]);
    let args = ["--mode", "watch", "--jobs", "12", "--throttle", "4", "--hold", "200ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, &report["achieved"]["max_active"]), (0, &4.into()), "{report}");
    assert_eq!(report["achieved"]["completed"], 12);
}

#[test]
fn the_former_name_of_hold_still_works() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "50ms"]);
    let args = ["--mode", "watch", "--jobs", "2", "--stay", "200ms", "--fail-if", "told>1000"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, &report["achieved"]["completed"]), (0, &2.into()), "{report}");
}

#[test]
fn the_wait_for_a_permit_is_in_the_response_time_only() {
    let server = FaultyServer::echo(Fault::Stall);
    // With one permit, all jobs that are due during the stall wait for its end.
    let args = ["--rate", "20", "--jobs", "20", "--throttle", "1"];
    let (report, code) = herd(server.address(), &args);
    // It started fewer than twenty jobs per second, as they had no permit.
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"rate".into()), "{report}");
    assert!(report["diagnosis"].to_string().contains("the throttle limited the rate"));
    let latency = |kind: &str| report["latency_us"][kind]["p50"].as_u64().unwrap();
    assert!(latency("response") > 5 * latency("service"), "{}", report["latency_us"]);
    let (report, _) = herd(server.address(), &["--jobs", "3"]);
    assert!(report["latency_us"]["response"].is_null(), "there is no schedule");
}

#[test]
fn reports_that_there_is_no_server() {
    let unused = "127.0.0.1:1".parse().unwrap();
    let (report, code) = herd(unused, &["--jobs", "3"]);
    assert_eq!((code, error_kinds(&report)), (1, vec!["refused"]));
    assert!(report["errors"][0]["hint"].as_str().unwrap().contains("server echo"));
    // Errors may be allowed, but a run without a server proves nothing.
    let (report, code) = herd(unused, &["--jobs", "3", "--fail-if", "errors>3"]);
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"nothing_checked".into()));

    let finished = Process::start(&mut command(unused, &["--jobs", "3", "--quiet"])).finish();
    assert_eq!((finished.code(), finished.out.len(), finished.err.len()), (Some(1), 0, 1));
    for part in ["no server at 127.0.0.1:1", "refused", "`server echo`", "--server HOST:PORT"] {
        assert!(finished.err[0].contains(part), "{:?}", finished.err);
    }
}

#[test]
fn fail_if_sets_how_many_errors_are_allowed() {
    for (limit, code, value) in [("errors>3", 0, None), ("errors>40%", 4, Some(50.0))] {
        let server = FaultyServer::echo(Fault::RefuseAfter(2));
        let args = ["--jobs", "4", "--throttle", "1", "--fail-if", limit];
        let (report, exit) = herd(server.address(), &args);
        assert_eq!((exit, first_failed(&report)["value"].as_f64()), (code, value), "{report}");
    }
}

#[test]
fn jobs_that_do_not_start_in_time_fail_the_run() {
    let server = EchoServer::start(&["--delay", "400ms"]);
    let args = ["--jobs", "1000", "--throttle", "1", "--duration", "500ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"not_started".into()), "{report}");
    assert_eq!(first_failed(&report)["value"].as_f64(), report["achieved"]["not_started"].as_f64());
    assert!(report["diagnosis"].to_string().contains("not started before the end"));
}

#[test]
fn a_game_without_events_proves_nothing() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "1h"]);
    eventually("the first tick is past", || (server.join().start() > 0).then_some(()));
    let args = ["--mode", "watch", "--jobs", "3", "--hold", "100ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"nothing_checked".into()), "{report}");
    assert_eq!(report["achieved"]["connected"], 3);
}

#[test]
fn a_threshold_that_is_crossed_fails_the_run() {
    let server = EchoServer::start(&["--delay", "10ms"]);
    let args =
        ["--jobs", "5", "--fail-if", "p99>1ms", "--fail-if", "rate<0.1", "--fail-if", "lost>0"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!(code, 4, "{report}");
    let failed = report["failed"].as_array().unwrap();
    assert_eq!(failed.last().unwrap()["check"], "p99>1ms");
    assert!(!failed.iter().any(|failed| failed["check"] == "lost>0"));
}

#[test]
fn reports_a_generator_that_cannot_keep_up() {
    let server = EchoServer::start(&["--delay", "0s", "-q"]);
    let args = ["--rate", "1000000", "--jobs", "5000", "--throttle", "0"];
    let (report, _) = herd(server.address(), &args);
    assert_eq!(report["exit"], 5, "{report}");
    assert!(
        report["failed"]
            .as_array()
            .unwrap()
            .iter()
            .any(|failed| failed["check"] == "generator_rate")
    );
    assert!(report["diagnosis"].to_string().contains("the generator was the bottleneck"));
}

#[test]
fn an_interrupt_ends_with_a_partial_report() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let args = ["--mode", "watch", "--jobs", "5", "--json", "--verbose"];
    let herd = Process::start(&mut command(server.address(), &args));
    herd.wait_for_err(|line| line.contains("herd: t="));
    herd.signal(Signal::INT);
    let (report, code) = report(&herd.finish());
    assert_eq!((code, &report["interrupted"]), (130, &true.into()));
    assert!(report["ledger"]["received"].as_u64() > Some(0));
    assert_eq!(faults(&report), [0; 4], "an interrupted client has lost nothing");
}

//! The herd, against servers that do what they should, and against servers that lie.

mod lies;
mod usage;

use std::{fs, net::SocketAddr, process::Command};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{EchoServer, Finished, Liar, Lie, Process, Server, eventually, program};

fn command(server: SocketAddr, args: &[&str]) -> Command {
    let mut command = Command::new(program("client"));
    command.args(["herd", "--server", &server.to_string()]).args(args);
    command
}

/// The report of a herd with `args`, and its exit code as it would be if this machine had been fast
/// enough: the one in the report says whether it was.
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

/// The first check that was not passed, but for those that only say that this machine was too slow.
fn first_failed(report: &Value) -> &Value {
    let is_ours = |failed: &&Value| !failed["check"].as_str().unwrap().starts_with("generator_");
    report["failed"].as_array().unwrap().iter().find(is_ours).unwrap_or(&Value::Null)
}

/// Lost, duplicated, out of order, malformed.
fn faults(report: &Value) -> [i64; 4] {
    ["lost", "duplicated", "out_of_order", "malformed"]
        .map(|name| report["ledger"][name].as_i64().unwrap())
}

fn named(report: &Value) -> Vec<String> {
    let offenders = report["offenders"].as_array().unwrap();
    offenders
        .iter()
        .map(|found| format!("{} {}", found["member"], found["offence"].as_str().unwrap()))
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
fn twelve_jobs_with_eight_places_never_have_nine_active() {
    let server = Liar::echo(Lie::None);
    let (report, code) = herd(server.address(), &["--jobs", "12", "--throttle", "8"]);
    assert_eq!(code, 0, "{report}");
    assert_eq!(
        (&report["reached"]["max_active"], &report["reached"]["jobs"]),
        (&8.into(), &12.into())
    );
    assert!(server.most_open() <= 8, "the server has seen {} at once", server.most_open());
    assert_eq!(report["ledger"]["received"], 12);
}

#[test]
fn places_are_given_back_by_jobs_that_fail() {
    let server = Liar::echo(Lie::Silence);
    let args = ["--jobs", "12", "--throttle", "8", "--timeout", "1s"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, error_kinds(&report)), (3, vec!["timeout"]));
    assert_eq!(report["errors"][0]["count"], 12, "a lost place would be waited for in vain");
    assert_eq!((faults(&report), &report["ledger"]["expected"]), ([12, 0, 0, 0], &12.into()));
    assert!(report["latency_us"]["service"].is_null(), "failures are no latencies");
}

#[test]
fn thirty_echoes_at_once_take_about_as_long_as_one() {
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
fn a_thousand_spectators_through_a_whole_default_game_miss_nothing() {
    let server = Server::start(&[]);
    let (report, code) = herd(server.address(), &["--mode", "watch", "--jobs", "1000"]);
    assert_eq!((faults(&report), error_kinds(&report)), ([0; 4], vec![]), "{report}");
    assert_eq!(code, 0, "{report}");
    assert_eq!((&report["reached"]["jobs"], &report["ledger"]["told"]), (&1000.into(), &0.into()));
    let received = report["ledger"]["received"].as_u64().unwrap();
    assert!(received >= 30_000, "a game has more than 30 events: {received}");
    assert_eq!(report["ledger"]["expected"], received);
    assert!(report["ticks"]["count"].as_u64() >= Some(5) && !report["skew_us"].is_null());
    assert_eq!(server.finish().code(), Some(0));
}

/// The memory in bytes, without what it shares with other processes, of a herd of so many spectators
/// of a game in which nothing happens but ticks.
fn memory_of(members: u64) -> u64 {
    let server = Server::start(&["--script", "", "--stay"]);
    let args = ["--mode", "watch", "--jobs", &members.to_string(), "--duration", "1h"];
    let herd = Process::start(&mut command(server.address(), &args));
    // All have joined when each has had a tick.
    herd.wait_for_err(|line| {
        let received = line.split(' ').find_map(|word| word.strip_prefix("received="));
        received.is_some_and(|received| received.parse::<u64>().unwrap() >= 2 * members)
    });
    let status = fs::read_to_string(format!("/proc/{}/status", herd.id())).unwrap();
    let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    let kilobytes: u64 = anonymous.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    kilobytes * 1024
}

#[test]
fn a_spectator_that_waits_costs_at_most_four_kilobytes() {
    let each = memory_of(4000).saturating_sub(memory_of(50)) / 3950;
    assert!(each <= 4096, "{each} bytes");
}

#[test]
fn players_get_every_move_of_their_own_back() {
    let server = Server::start(&["--script", "", "--stay"]);
    let args =
        ["--mode", "play", "--jobs", "20", "--move-interval", "50ms", "--duration", "1500ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    let moves = &report["moves"];
    assert!(moves["sent"].as_u64() >= Some(100), "{moves}");
    assert_eq!((&moves["back"], &moves["refused"]), (&moves["sent"], &0.into()));
    assert!(!report["latency_us"]["response"].is_null());
}

#[test]
fn moves_that_are_refused_are_told_from_those_that_are_lost() {
    let server = Server::start(&["--script", "", "--stay", "--move-rate", "1"]);
    let args = ["--mode", "play", "--jobs", "2", "--move-interval", "50ms", "--duration", "1s"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, error_kinds(&report)), (1, vec!["move_refused"]), "{report}");
    assert_eq!(faults(&report), [0; 4]);
    assert!(report["errors"][0]["hint"].as_str().unwrap().contains("--move-rate"));
}

#[test]
fn spectators_come_and_go_through_the_places_there_are() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "50ms"]);
    let args = ["--mode", "watch", "--jobs", "12", "--throttle", "4", "--stay", "200ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, &report["reached"]["max_active"]), (0, &4.into()), "{report}");
    assert_eq!(report["reached"]["done"], 12);
}

#[test]
fn the_wait_for_a_place_is_in_the_response_and_not_in_the_service() {
    let server = Liar::echo(Lie::Stall);
    // With one place, all who come during the stall wait for it to end.
    let args = ["--rate", "20", "--jobs", "20", "--throttle", "1"];
    let (report, code) = herd(server.address(), &args);
    // Of twenty jobs a second it has begun fewer, as they had no place.
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"rate".into()), "{report}");
    assert!(report["diagnosis"].to_string().contains("the throttle held the rate back"));
    let latency = |kind: &str| report["latency_us"][kind]["p50"].as_u64().unwrap();
    assert!(latency("response") > 5 * latency("service"), "{}", report["latency_us"]);
    let (report, _) = herd(server.address(), &["--jobs", "3"]);
    assert!(report["latency_us"]["response"].is_null(), "nobody knows when it should have begun");
}

#[test]
fn nobody_listens() {
    let nobody = "127.0.0.1:1".parse().unwrap();
    let (report, code) = herd(nobody, &["--jobs", "3"]);
    assert_eq!((code, error_kinds(&report)), (1, vec!["refused"]));
    assert!(report["errors"][0]["hint"].as_str().unwrap().contains("server echo"));
    // However many errors may be, this is no run.
    let (report, code) = herd(nobody, &["--jobs", "3", "--fail-if", "errors>3"]);
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"nothing_checked".into()));

    let finished = Process::start(&mut command(nobody, &["--jobs", "3", "--quiet"])).finish();
    assert_eq!((finished.code(), finished.out.len(), finished.err.len()), (Some(1), 0, 1));
    for part in ["no server at 127.0.0.1:1", "refused", "`server echo`", "--server HOST:PORT"] {
        assert!(finished.err[0].contains(part), "{:?}", finished.err);
    }
}

#[test]
fn whoever_expects_errors_says_how_many() {
    for (limit, code, value) in [("errors>3", 0, None), ("errors>40%", 4, Some(50.0))] {
        let server = Liar::echo(Lie::RefuseAfter(2));
        let args = ["--jobs", "4", "--throttle", "1", "--fail-if", limit];
        let (report, exit) = herd(server.address(), &args);
        assert_eq!((exit, first_failed(&report)["value"].as_f64()), (code, value), "{report}");
    }
}

#[test]
fn jobs_that_are_not_begun_in_time_are_no_success() {
    let server = EchoServer::start(&["--delay", "400ms"]);
    let args = ["--jobs", "1000", "--throttle", "1", "--duration", "500ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"not_begun".into()), "{report}");
    assert_eq!(first_failed(&report)["value"].as_f64(), report["reached"]["not_begun"].as_f64());
    assert!(report["diagnosis"].to_string().contains("not begun before the end"));
}

#[test]
fn a_game_in_which_nothing_happens_proves_nothing() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "1h"]);
    eventually("the first tick is past", || (server.join().start() > 0).then_some(()));
    let args = ["--mode", "watch", "--jobs", "3", "--stay", "100ms"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!((code, &first_failed(&report)["check"]), (1, &"nothing_checked".into()), "{report}");
    assert_eq!(report["reached"]["jobs"], 3);
}

#[test]
fn a_limit_that_is_crossed_fails() {
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
fn a_generator_that_cannot_do_what_was_asked_says_so() {
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
fn an_interrupt_gives_what_there_is() {
    let server = Server::start(&["--script", "", "--stay", "--tick", "20ms"]);
    let args = ["--mode", "watch", "--jobs", "5", "--json", "--verbose"];
    let herd = Process::start(&mut command(server.address(), &args));
    herd.wait_for_err(|line| line.contains("herd: t="));
    herd.signal(Signal::INT);
    let (report, code) = report(&herd.finish());
    assert_eq!((code, &report["interrupted"]), (130, &true.into()));
    assert!(report["ledger"]["received"].as_u64() > Some(0));
    assert_eq!(faults(&report), [0; 4], "who is interrupted has lost nothing");
}

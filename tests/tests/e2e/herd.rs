//! The herd, against servers that do what they should, and against servers that lie.

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Stdio},
};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::tempdir;
use tribune_tests::{EchoServer, Finished, LIAR_EVENTS, Liar, Lie, Process, Server, program};

fn command(server: SocketAddr, args: &[&str]) -> Command {
    let mut command = Command::new(program("client"));
    command.args(["herd", "--server", &server.to_string()]).args(args);
    command
}

/// The report of a herd with `args`, and its exit code, which the report has too.
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
    (report, code)
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
    let args = ["--jobs", "12", "--throttle", "8", "--timeout", "100ms"];
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

/// The report of ten spectators of a game whose server lies.
fn lied_to(lie: Lie) -> (Value, i32) {
    let server = Liar::game(lie);
    herd(server.address(), &["--mode", "watch", "--jobs", "10", "--timeout", "2s"])
}

#[test]
fn an_honest_game_passes() {
    let (report, code) = lied_to(Lie::None);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    assert_eq!(report["ledger"]["received"], 10 * (LIAR_EVENTS + 1));
    assert_eq!(report["diagnosis"][0], "nothing was at fault");
}

#[test]
fn every_event_that_is_dropped_is_missed_and_named() {
    let (report, code) = lied_to(Lie::Drop);
    assert_eq!((code, faults(&report)), (3, [20, 0, 0, 0]), "{report}");
    let named = named(&report);
    assert!(
        named.contains(&"1 lost event 100".into()) && named.contains(&"1 lost event 200".into()),
        "{named:?}"
    );
}

#[test]
fn an_event_that_comes_twice_is_found() {
    let (report, code) = lied_to(Lie::Duplicate);
    assert_eq!((code, faults(&report)), (3, [0, 1, 0, 0]), "{report}");
    assert!(named(&report)[0].ends_with("got event 50 again"), "{report}");
}

#[test]
fn two_events_the_wrong_way_round_are_found() {
    let (report, code) = lied_to(Lie::Swap);
    assert_eq!((code, faults(&report)), (3, [0, 0, 1, 0]), "{report}");
    assert!(named(&report)[0].ends_with("got event 61 after a later one"), "{report}");
}

#[test]
fn a_byte_that_is_changed_is_found_by_comparison() {
    let (report, code) = lied_to(Lie::Flip);
    assert_eq!((code, faults(&report)), (3, [0, 0, 0, 1]), "{report}");
    assert!(named(&report)[0].ends_with("got another event 70 than other members"), "{report}");
}

#[test]
fn a_stall_is_seen_in_the_skew_and_is_no_fault() {
    let (report, code) = lied_to(Lie::Stall);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    assert!(report["skew_us"]["max"].as_u64() >= Some(900_000), "{report}");
    let (report, code) = {
        let server = Liar::game(Lie::Stall);
        herd(server.address(), &["--mode", "watch", "--jobs", "10", "--fail-if", "skew.max>500ms"])
    };
    assert_eq!((code, &report["failed"][0]["check"]), (4, &"skew.max>500ms".into()));
    assert_eq!(report["failed"][0]["limit"], 500_000.0);
}

#[test]
fn who_is_cut_off_within_a_line_has_lost_the_rest() {
    let (report, code) = lied_to(Lie::CloseMidway);
    assert_eq!((code, error_kinds(&report)), (3, vec!["closed_early"]), "{report}");
    let [lost, duplicated, out_of_order, malformed] = faults(&report);
    assert!(lost >= 1 && malformed == 1 && duplicated + out_of_order == 0, "{report}");
    assert_eq!(report["reached"]["done"], 9);
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let server = Liar::game(Lie::Silence);
    let (report, code) =
        herd(server.address(), &["--mode", "watch", "-n", "5", "--timeout", "200ms"]);
    assert_eq!((code, error_kinds(&report)), (1, vec!["timeout"]), "{report}");
    assert_eq!((&report["reached"]["jobs"], &report["errors"][0]["count"]), (&0.into(), &5.into()));
}

#[test]
fn connections_that_are_refused_are_counted_and_not_kept_quiet() {
    let server = Liar::game(Lie::RefuseAfter(50));
    let (report, code) =
        herd(server.address(), &["--mode", "watch", "--jobs", "60", "--timeout", "2s"]);
    assert_eq!(code, 1, "{report}");
    assert_eq!((&report["asked"]["jobs"], &report["reached"]["jobs"]), (&60.into(), &50.into()));
    let failed: u64 = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["count"].as_u64().unwrap())
        .sum();
    assert_eq!(failed, 10, "{report}");
    assert_eq!(faults(&report), [0; 4]);
}

#[test]
fn echoes_that_are_not_what_was_sent_are_found() {
    let cases = [
        (Lie::None, 0, [0, 0, 0, 0]),
        (Lie::Drop, 3, [4, 0, 0, 0]),
        (Lie::Duplicate, 3, [0, 1, 0, 0]),
        (Lie::Swap, 3, [0, 0, 2, 0]),
        (Lie::Flip, 3, [0, 0, 0, 1]),
        (Lie::CloseMidway, 3, [0, 0, 0, 1]),
    ];
    for (lie, code, found) in cases {
        let server = Liar::echo(lie);
        let (report, exit) = herd(server.address(), &["--jobs", "40", "--throttle", "20"]);
        assert_eq!((exit, faults(&report)), (code, found), "{lie:?}: {report}");
        assert_eq!(report["ledger"]["expected"], 40, "{lie:?}");
    }
}

#[test]
fn the_wait_for_a_place_is_in_the_response_and_not_in_the_service() {
    let server = Liar::echo(Lie::Stall);
    // With one place, all who come during the stall wait for it to end.
    let args = ["--rate", "20", "--jobs", "20", "--throttle", "1"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!(code, 0, "{report}");
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
    // Whoever expects errors says how many.
    let (_, code) = herd(nobody, &["--jobs", "3", "--fail-if", "errors>3"]);
    assert_eq!(code, 0);
    let (report, code) = herd(nobody, &["--jobs", "3", "--fail-if", "errors>50%"]);
    assert_eq!((code, &report["failed"][0]["value"]), (4, &100.0.into()));
}

#[test]
fn a_limit_that_is_crossed_fails() {
    let server = EchoServer::start(&["--delay", "10ms"]);
    let args =
        ["--jobs", "5", "--fail-if", "p99>1ms", "--fail-if", "rate<0.1", "--fail-if", "lost>0"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!(code, 4, "{report}");
    let failed = report["failed"].as_array().unwrap();
    assert_eq!((failed.len(), &failed[0]["check"]), (1, &"p99>1ms".into()));
}

#[test]
fn a_generator_that_cannot_do_what_was_asked_says_so() {
    let server = EchoServer::start(&["--delay", "0s", "-q"]);
    let args = ["--rate", "1000000", "--jobs", "5000", "--throttle", "0"];
    let (report, code) = herd(server.address(), &args);
    assert_eq!(code, 5, "{report}");
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

#[test]
fn too_many_are_refused_before_they_are_tried() {
    let server = "127.0.0.1:1".parse().unwrap();
    let args = ["--jobs", "90000000", "--throttle", "0"];
    let finished = Process::start(&mut command(server, &args)).finish();
    assert_eq!((finished.code(), finished.out.len()), (Some(1), 0));
    assert!(finished.err[0].contains("ulimit -Hn") && finished.err[0].contains("--throttle"));
    let script = format!("ulimit -n 100; '{}' herd --jobs 200 -t 0", program("client").display());
    let finished = Process::start(Command::new("bash").args(["-c", &script])).finish();
    assert_eq!(finished.code(), Some(1));
    assert!(finished.err[0].contains("this process may have 100"), "{:?}", finished.err);
}

#[test]
fn wrong_usage_is_said_in_one_line() {
    let server = "127.0.0.1:1".parse().unwrap();
    for (args, part) in [
        (&["--fail-if", "p99"][..], "p99>20ms"),
        (&["--mode", "fly"], "watch"),
        (&["--rate", "fast"], "jobs per second"),
        (&["--output", "report.pdf"], ".html, .json or .csv"),
    ] {
        let finished = Process::start(&mut command(server, args)).finish();
        assert_eq!(
            (finished.code(), finished.err.len()),
            (Some(2), 1),
            "{args:?}: {:?}",
            finished.err
        );
        assert!(finished.err[0].contains(part), "{args:?}: {:?}", finished.err);
    }
}

#[test]
fn everything_is_where_it_belongs() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (html, json, csv) = (path("r.html"), path("r.json"), path("r.csv"));
    let server = EchoServer::start(&["--delay", "600ms"]);
    let args = ["-n", "3", "-t", "2", "-v", "--output", &html, "--output", &json, "--output", &csv];
    let finished = Process::start(&mut command(server.address(), &args)).finish();
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
    assert!(finished.out[0].starts_with("herd  PASS (exit 0)   echo 127.0.0.1:"));
    for part in [
        "ledger       expected 3  received 3  skipped",
        "lost 0  duplicated 0",
        "generator",
        "diagnosis",
    ] {
        assert!(finished.out.iter().any(|line| line.contains(part)), "{part}: {:?}", finished.out);
    }
    let told = |part: &str| finished.err.iter().filter(|line| line.contains(part)).count();
    assert_eq!((told(" begins"), told(" ends after 0.6")), (3, 3), "{:?}", finished.err);
    let line = finished.err.iter().find(|line| line.starts_with("herd: t=")).unwrap();
    assert!(line.split(' ').skip(1).all(|word| word.contains('=')), "{line}");

    let report: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(report["ledger"]["received"], 3);
    let page = fs::read_to_string(html).unwrap();
    assert!(
        page.matches("<svg").count() == 3 && !page.contains("http://") || page.contains("w3.org")
    );
    let table = fs::read_to_string(csv).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows[0].starts_with("t_ms,active,") && rows.len() >= 3);
    assert!(rows.iter().all(|row| row.split(',').count() == rows[0].split(',').count()));
    assert!(rows.last().unwrap().contains(",3,3,0,3,"), "{table}");
}

#[test]
fn the_document_has_what_it_promises() {
    let server = EchoServer::start(&["--delay", "1ms"]);
    let (report, _) = herd(server.address(), &["--jobs", "3", "--rate", "100"]);
    let has = |path: &str| report.pointer(path).unwrap_or_else(|| panic!("no {path} in {report}"));
    assert_eq!((has("/schema"), has("/mode")), (&1.into(), &"echo".into()));
    for path in [
        "/verdict",
        "/exit",
        "/took_ms",
        "/asked/jobs",
        "/asked/throttle",
        "/asked/rate",
        "/reached/jobs",
        "/reached/max_active",
        "/reached/rate",
        "/ledger/expected",
        "/ledger/received",
        "/ledger/lost",
        "/ledger/duplicated",
        "/ledger/out_of_order",
        "/ledger/malformed",
        "/ledger/told",
        "/skew_us",
        "/ticks/count",
        "/ticks/late_p99_us",
        "/ticks/drift_us",
        "/errors",
        "/generator/cores",
        "/generator/timer_late_p99_us",
        "/failed",
    ] {
        has(path);
    }
    for kind in ["service", "response"] {
        for quantile in ["p50", "p90", "p99", "p999", "max"] {
            assert!(has(&format!("/latency_us/{kind}/{quantile}")).is_u64());
        }
    }
}

#[test]
fn nobody_reading_the_report_is_no_failure() {
    let server = EchoServer::start(&["--delay", "1ms"]);
    let mut command = command(server.address(), &["--jobs", "2", "--quiet"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

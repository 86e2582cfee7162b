//! Servers with one fault each, which the herd must find, and nothing else.

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{FAULTY_EVENTS, Fault, FaultyServer, Process};

use super::{command, error_kinds, faults, first_failed, herd, named, report};

/// The report of ten spectators of a game with this `fault`.
fn watch(fault: Fault) -> (Value, i32) {
    let server = FaultyServer::game(fault);
    herd(server.address(), &["--mode", "watch", "--jobs", "10", "--timeout", "2s"])
}

#[test]
fn a_correct_game_passes() {
    let (report, code) = watch(Fault::None);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    assert_eq!(report["ledger"]["received"], 10 * (FAULTY_EVENTS + 1));
    if report["exit"] == 0 {
        assert_eq!(report["diagnosis"][0], "no faults found");
    }
}

#[test]
fn dropped_events_are_lost_and_named() {
    let (report, code) = watch(Fault::Drop);
    assert_eq!((code, faults(&report)), (3, [20, 0, 0, 0]), "{report}");
    let named = named(&report);
    assert!(
        named.contains(&"1 lost event 100".into()) && named.contains(&"1 lost event 200".into()),
        "{named:?}"
    );
}

#[test]
fn finds_duplicated_events() {
    let (report, code) = watch(Fault::Duplicate);
    assert_eq!((code, faults(&report)), (3, [0, 1, 0, 0]), "{report}");
    assert!(named(&report)[0].ends_with("received event 50 again"), "{report}");
}

#[test]
fn finds_reordered_events() {
    let (report, code) = watch(Fault::Swap);
    assert_eq!((code, faults(&report)), (3, [0, 0, 1, 0]), "{report}");
    assert!(named(&report)[0].ends_with("received event 61 after a later one"), "{report}");
}

#[test]
fn finds_changed_bytes_by_comparison() {
    let (report, code) = watch(Fault::Flip);
    assert_eq!((code, faults(&report)), (3, [0, 0, 0, 1]), "{report}");
    assert!(
        named(&report)[0].ends_with("received a different event 70 than most clients"),
        "{report}"
    );
}

#[test]
fn finds_states_that_do_not_agree_with_the_events() {
    let (report, code) = watch(Fault::WrongState);
    let [lost, duplicated, out_of_order, malformed] = faults(&report);
    // If the wrong state arrives first, all others differ from it.
    assert!((code, lost + duplicated + out_of_order) == (3, 0) && malformed >= 1, "{report}");
    let named = named(&report);
    let expected = "received a state after event 0 that does not agree with the events";
    assert!(named.iter().all(|found| found.ends_with(expected)), "{named:?}");
}

#[test]
fn finds_turns_that_contradict_the_state() {
    let (report, code) = watch(Fault::WrongTurn);
    assert_eq!((code, faults(&report)), (3, [0, 0, 0, 1]), "{report}");
    let named = named(&report);
    let expected = "received event 40, which contradicts the state before it";
    assert!(named.len() == 1 && named[0].ends_with(expected), "{named:?}");
}

#[test]
fn a_stall_shows_in_the_skew_and_is_no_fault() {
    let (report, code) = watch(Fault::Stall);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    assert!(report["skew_us"]["max"].as_u64() >= Some(900_000), "{report}");
    let (report, code) = {
        let server = FaultyServer::game(Fault::Stall);
        herd(server.address(), &["--mode", "watch", "--jobs", "10", "--fail-if", "skew.max>500ms"])
    };
    assert_eq!((code, &first_failed(&report)["check"]), (4, &"skew.max>500ms".into()));
    assert_eq!(first_failed(&report)["limit"], 500_000.0);
}

#[test]
fn a_connection_closed_within_a_line_has_lost_the_rest() {
    let (report, code) = watch(Fault::CloseMidway);
    assert_eq!((code, error_kinds(&report)), (3, vec!["closed_early"]), "{report}");
    let [lost, duplicated, out_of_order, malformed] = faults(&report);
    assert!(lost >= 1 && malformed == 1 && duplicated + out_of_order == 0, "{report}");
    assert_eq!(report["achieved"]["completed"], 9);
}

#[test]
fn a_silent_server_times_out() {
    let server = FaultyServer::game(Fault::Silence);
    let (report, code) =
        herd(server.address(), &["--mode", "watch", "-n", "5", "--timeout", "200ms"]);
    assert_eq!((code, error_kinds(&report)), (1, vec!["timeout"]), "{report}");
    assert_eq!(
        (&report["achieved"]["connected"], &report["errors"][0]["count"]),
        (&0.into(), &5.into())
    );
}

/// Suspends `herd` for a while, like a generator that gets no processor time.
#[expect(clippy::disallowed_methods, reason = "it is for how long it gets none")]
fn suspend(herd: &Process) {
    herd.signal(Signal::STOP);
    std::thread::sleep(std::time::Duration::from_secs(3));
    herd.signal(Signal::CONT);
}

#[test]
fn an_overloaded_generator_does_not_blame_the_server() {
    let server = FaultyServer::echo(Fault::Silence);
    let args = ["--jobs", "20", "--throttle", "0", "--timeout", "5s", "--json", "--verbose"];
    let herd = Process::start(&mut command(server.address(), &args));
    herd.wait_for_err(|line| line.contains("job 20 started"));
    suspend(&herd);
    let (report, _) = report(&herd.finish());
    assert_eq!(
        (report["exit"].as_i64(), error_kinds(&report)),
        (Some(5), vec!["timeout"]),
        "{report}"
    );
    assert_eq!(faults(&report), [20, 0, 0, 0], "they are counted nevertheless");
    let diagnosis = report["diagnosis"].to_string();
    assert!(diagnosis.contains("says nothing about the server"), "{diagnosis}");
    assert!(!diagnosis.contains("check the server"), "{diagnosis}");
}

#[test]
fn refused_connections_are_counted() {
    let server = FaultyServer::game(Fault::RefuseAfter(50));
    let (report, code) =
        herd(server.address(), &["--mode", "watch", "--jobs", "60", "--timeout", "2s"]);
    assert_eq!(code, 1, "{report}");
    assert_eq!(
        (&report["requested"]["jobs"], &report["achieved"]["connected"]),
        (&60.into(), &50.into())
    );
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
fn finds_wrong_echoes() {
    let cases = [
        (Fault::None, 0, [0, 0, 0, 0]),
        (Fault::Drop, 3, [4, 0, 0, 0]),
        (Fault::Duplicate, 3, [0, 1, 0, 0]),
        (Fault::Swap, 3, [0, 0, 2, 0]),
        (Fault::Flip, 3, [0, 0, 0, 1]),
        (Fault::CloseMidway, 3, [0, 0, 0, 1]),
    ];
    for (fault, code, found) in cases {
        let server = FaultyServer::echo(fault);
        let (report, exit) = herd(server.address(), &["--jobs", "40", "--throttle", "20"]);
        assert_eq!((exit, faults(&report)), (code, found), "{fault:?}: {report}");
        assert_eq!(report["ledger"]["expected"], 40, "{fault:?}");
    }
}

//! Servers that lie, each in one way: that must be found, and nothing else.

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{LIAR_EVENTS, Liar, Lie, Process};

use super::{command, error_kinds, faults, first_failed, herd, named, report};

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
    if report["exit"] == 0 {
        assert_eq!(report["diagnosis"][0], "nothing was at fault");
    }
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
    assert_eq!((code, &first_failed(&report)["check"]), (4, &"skew.max>500ms".into()));
    assert_eq!(first_failed(&report)["limit"], 500_000.0);
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

/// Stops `herd` for a while: a generator that gets no processor.
#[expect(clippy::disallowed_methods, reason = "it is how long it gets none")]
fn starve(herd: &Process) {
    herd.signal(Signal::STOP);
    std::thread::sleep(std::time::Duration::from_secs(3));
    herd.signal(Signal::CONT);
}

#[test]
fn a_generator_that_starved_does_not_blame_the_server() {
    let server = Liar::echo(Lie::Silence);
    let args = ["--jobs", "20", "--throttle", "0", "--timeout", "5s", "--json", "--verbose"];
    let herd = Process::start(&mut command(server.address(), &args));
    herd.wait_for_err(|line| line.contains("job 20 begins"));
    starve(&herd);
    let (report, _) = report(&herd.finish());
    assert_eq!(
        (report["exit"].as_i64(), error_kinds(&report)),
        (Some(5), vec!["timeout"]),
        "{report}"
    );
    assert_eq!(faults(&report), [20, 0, 0, 0], "they are counted all the same");
    let said = report["diagnosis"].to_string();
    assert!(said.contains("says nothing about the server"), "{said}");
    assert!(!said.contains("the place to look"), "{said}");
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

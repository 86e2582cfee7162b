//! Clients and the herd in a game with turns.

use tribune_tests::{Finished, Process, Server};

/// A game of snake without programs.
fn snake(args: &[&str]) -> Server {
    Server::start(&[&["--game", "snake", "--script", "", "--stay", "--seed", "7"], args].concat())
}

fn client(server: &Server, args: &[&str], input: &str) -> Finished {
    let mut client = Process::start(&mut server.client(args));
    client.type_in(input);
    client.finish()
}

/// The lines of `finished` that contain `part`.
fn count(lines: &[String], part: &str) -> usize {
    lines.iter().filter(|line| line.contains(part)).count()
}

#[test]
fn piped_moves_are_confirmed_by_the_clock_and_in_lockstep() {
    // Before the first step of a snake no direction is a reversal. By the clock all three come before it, in
    // lockstep only two do: there is one in each turn.
    for (args, refused) in [(&["--turn", "1s"][..], 0), (&["--turn", "1s", "--lockstep"], 1)] {
        let server = snake(args);
        assert_eq!(server.join().welcome["rules"], "snake");
        let played = client(&server, &["play", "--name", "ann"], "n");
        assert_eq!(played.code(), Some(0), "{args:?} {:?}", played.err);
        assert_eq!(count(&played.out, "got `N ann` from tcp#"), 1, "{:?}", played.out);
        let played = client(&server, &["play", "--name", "bob"], "n s n");
        assert_eq!(played.code(), Some(0), "{args:?} {:?}", played.err);
        assert_eq!(count(&played.err, "refused (bad_action)"), refused, "{:?}", played.err);
    }
}

#[test]
fn watch_and_the_console_end_with_a_table() {
    let server = snake(&["--turn", "20ms", "--turns", "100", "--players", "1"]);
    let watcher = Process::start(&mut server.client(&["watch"]));
    watcher.wait_for_err(|line| line.starts_with("connected: "));
    let played = client(&server, &["play", "--name", "ann", "--keep-watching"], "n");
    assert_eq!(played.code(), Some(0), "{:?}", played.err);
    for out in [watcher.finish().out, server.finish().out, played.out] {
        let result = out.iter().position(|line| line == "======== result of round 1").unwrap();
        assert!(out[result + 1].starts_with("        1  ann  "), "{out:?}");
        assert_eq!(out[result + 2..], ["1 round played - bye"]);
        assert_eq!(count(&out, "        ann joins from tcp#"), 1, "{out:?}");
    }
}

#[test]
fn herd_checks_all_turns_and_counts_moves_that_the_rules_refuse() {
    for args in [&["--turn", "20ms"][..], &["--turn", "50ms", "--lockstep"]] {
        let server = snake(&[args, &["--board", "12x8"]].concat());
        let play = ["herd", "--mode", "play", "--jobs", "6", "--move-interval", "30ms", "--json"];
        let mut players =
            Process::start(&mut server.client(&[&play[..], &["--duration", "3s"]].concat()));
        players.close_input();
        let watch = ["herd", "--mode", "watch", "--jobs", "30", "--rate", "20", "--json"];
        let watched = client(&server, &[&watch[..], &["--duration", "2s"]].concat(), "");
        for (mode, finished) in [("watch", watched), ("play", players.finish())] {
            let report: serde_json::Value = serde_json::from_str(&finished.out[0]).unwrap();
            assert_eq!(report["violations"], serde_json::json!([]), "{mode} {args:?} {report}");
            assert_eq!(report["errors"], serde_json::json!([]), "{mode} {args:?} {report}");
            assert!(report["ledger"]["received"].as_i64() > Some(100), "{report}");
            if mode == "play" {
                let moves = |kind: &str| report["moves"][kind].as_u64().unwrap();
                assert!(moves("returned") > 0 && moves("refused") > 0, "{report}");
            }
        }
    }
}

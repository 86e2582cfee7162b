//! What is refused before it begins, and the forms of the report.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::tempdir;
use tribune_tests::{EchoServer, Process, program};

use super::{command, herd};

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
        (&["--stay", "1s"], "this is --mode echo"),
        (&["--mode", "watch", "--size", "50"], "--size is for --mode echo"),
        (&["--fail-if", "p98>1ms"], "p99.9"),
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
    let mut args =
        vec!["-n", "3", "-t", "2", "-v", "--output", &html, "--output", &json, "--output", &csv];
    args.extend(["--fail-if", "p99.9>20s"]);
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
    assert!(page.contains("--fail-if 'p99.9&gt;20s'"), "in a shell it is no redirection");
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

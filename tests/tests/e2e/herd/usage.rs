//! Arguments that are rejected, and the formats of the report.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::tempdir;
use tribune_tests::{EchoServer, Process, program};

use super::{command, herd};

#[test]
fn rejects_more_connections_than_the_machine_allows() {
    let server = "127.0.0.1:1".parse().unwrap();
    let args = ["--jobs", "90000000", "--throttle", "0"];
    let finished = Process::start(&mut command(server, &args)).finish();
    assert_eq!((finished.code(), finished.out.len()), (Some(1), 0));
    assert!(finished.err[0].contains("ulimit -Hn") && finished.err[0].contains("--throttle"));
    let script = format!("ulimit -n 100; '{}' herd --jobs 200 -t 0", program("client").display());
    let finished = Process::start(Command::new("bash").args(["-c", &script])).finish();
    assert_eq!(finished.code(), Some(1));
    assert!(finished.err[0].contains("the limit of this process is 100"), "{:?}", finished.err);
}

#[test]
fn usage_errors_are_one_line() {
    let server = "127.0.0.1:1".parse().unwrap();
    for (args, part) in [
        (&["--fail-if", "p99"][..], "p99>20ms"),
        (&["--mode", "fly"], "watch"),
        (&["--rate", "fast"], "jobs per second"),
        (&["--output", "report.pdf"], ".html, .json or .csv"),
        (&["--hold", "1s"], "not --mode echo"),
        (&["--mode", "watch", "--size", "50"], "--size requires --mode echo"),
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
fn writes_all_formats_of_the_report() {
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
        "ledger       expected 3  received 3  skipped (notified) 0",
        "lost 0  duplicated 0",
        "generator",
        "diagnosis",
    ] {
        assert!(finished.out.iter().any(|line| line.contains(part)), "{part}: {:?}", finished.out);
    }
    let logged = |part: &str| {
        finished.err.iter().filter(|line| line.contains("  job ") && line.contains(part)).count()
    };
    assert_eq!((logged(" started"), logged(" completed after 0.6")), (3, 3), "{:?}", finished.err);
    let line = finished.err.iter().find(|line| line.starts_with("herd: t=")).unwrap();
    assert!(line.split(' ').skip(1).all(|word| word.contains('=')), "{line}");

    let report: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(report["ledger"]["received"], 3);
    let page = fs::read_to_string(html).unwrap();
    assert!(page.contains("--fail-if 'p99.9&gt;20s'"), "the command is quoted for a shell");
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
fn the_document_has_all_documented_fields() {
    let server = EchoServer::start(&["--delay", "1ms"]);
    let (report, _) = herd(server.address(), &["--jobs", "3", "--rate", "100"]);
    let has = |path: &str| report.pointer(path).unwrap_or_else(|| panic!("no {path} in {report}"));
    assert_eq!((has("/schema"), has("/mode")), (&2.into(), &"echo".into()));
    for path in [
        "/verdict",
        "/exit",
        "/took_ms",
        "/requested/jobs",
        "/requested/throttle",
        "/requested/rate",
        "/achieved/connected",
        "/achieved/started",
        "/achieved/completed",
        "/achieved/not_started",
        "/achieved/max_active",
        "/achieved/rate",
        "/ledger/expected",
        "/ledger/received",
        "/ledger/lost",
        "/ledger/duplicated",
        "/ledger/out_of_order",
        "/ledger/malformed",
        "/ledger/skipped_notified",
        "/violations",
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
    for path in ["/asked", "/reached", "/offenders", "/ledger/told"] {
        assert_eq!(report.pointer(path), None, "a field of schema 1");
    }
    for kind in ["service", "response"] {
        for quantile in ["p50", "p90", "p99", "p999", "max"] {
            assert!(has(&format!("/latency_us/{kind}/{quantile}")).is_u64());
        }
    }
}

#[test]
fn a_closed_standard_output_is_not_a_failure() {
    let server = EchoServer::start(&["--delay", "1ms"]);
    let mut command = command(server.address(), &["--jobs", "2", "--quiet"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

use std::fmt::{Result, Write};

use tribune_protocol::text::printable;

use super::document::Document;
use crate::measure::Percentiles;

/// The report for people.
pub fn text(document: &Document) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(document, &mut text);
    // It quotes messages of the server.
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn write_text(document: &Document, out: &mut String) -> Result {
    let Document { mode, server, verdict, exit, .. } = document;
    let verdict = verdict.to_uppercase();
    let interrupted = if document.interrupted { ", interrupted" } else { "" };
    let took = seconds(document.took_ms);
    writeln!(out, "herd  {verdict} (exit {exit}{interrupted})   {mode} {server}   {took}\n")?;
    write_load(document, out)?;
    write_ledger(document, out)?;
    write_latency(document, out)?;
    write_errors(document, out)?;
    write_generator(document, out)?;
    for failed in &document.failed {
        let value = failed.value.map_or("unknown".to_owned(), number);
        writeln!(out, "  failed       {}: {value}, limit {}", failed.check, number(failed.limit))?;
    }
    for line in &document.diagnosis {
        writeln!(out, "  diagnosis    {line}")?;
    }
    Ok(())
}

fn write_load(document: &Document, out: &mut String) -> Result {
    let Document { requested, achieved, .. } = document;
    let jobs = requested.jobs.map_or("no limit".to_owned(), |jobs| jobs.to_string());
    writeln!(
        out,
        "  jobs         requested {jobs}, started {}, connected {}, completed {}, not started {}",
        achieved.started, achieved.connected, achieved.completed, achieved.not_started
    )?;
    let throttle = match requested.throttle {
        0 => "no limit".to_owned(),
        limit => format!("limit {limit}"),
    };
    writeln!(out, "  active       max {}, {throttle}", achieved.max_active)?;
    if let Some(rate) = requested.rate {
        let achieved = achieved.rate.map_or("unknown".to_owned(), number);
        writeln!(out, "  rate         requested {} jobs/s, achieved {achieved}", number(rate))?;
    }
    let (took, sum) = (seconds(document.took_ms), seconds(document.sum_ms));
    #[expect(clippy::cast_precision_loss, reason = "it is shown to two digits")]
    let speed_up = document.sum_ms as f64 / document.took_ms.max(1) as f64;
    writeln!(out, "  time         {took}, sum of durations {sum}, speed-up {speed_up:.1}")?;
    writeln!(out, "  deliveries   {}/s", number(achieved.deliveries_per_s))
}

fn write_ledger(document: &Document, out: &mut String) -> Result {
    let ledger = &document.ledger;
    writeln!(
        out,
        "  ledger       expected {}  received {}  skipped (notified) {}\n               \
           lost {}  duplicated {}  out of order {}  malformed {}",
        ledger.expected,
        ledger.received,
        ledger.skipped_notified,
        ledger.lost,
        ledger.duplicated,
        ledger.out_of_order,
        ledger.malformed
    )?;
    for found in &document.violations {
        writeln!(out, "               client {} {}", found.client, found.violation)?;
    }
    if let Some(moves) = &document.moves {
        let (sent, returned, refused) = (moves.sent, moves.returned, moves.refused);
        writeln!(out, "  moves        sent {sent}  returned {returned}  refused {refused}")?;
    }
    Ok(())
}

fn write_latency(document: &Document, out: &mut String) -> Result {
    let [name, p50, p90, p99, p999, max] = ["latency", "p50", "p90", "p99", "p99.9", "max"];
    writeln!(out, "\n  {name:<26}{p50:>11}{p90:>11}{p99:>11}{p999:>11}{max:>11}")?;
    let service = match document.mode {
        "watch" => "delivery (±1 ms)",
        "play" => "move sent to returned",
        _ => "service",
    };
    write_row(out, service, document.latency_us.service, "not measured")?;
    let has_schedule = document.mode == "watch" || document.requested.rate.is_some();
    let why = if has_schedule { "" } else { "unknown without the schedule that --rate gives" };
    write_row(out, "response", document.latency_us.response, why)?;
    write_row(out, "join", document.join_us, "")?;
    write_row(out, "skew, first to last", document.skew_us, "")?;
    write_ticks(document, out)?;
    writeln!(out)
}

/// A row of the table of latencies; with `otherwise` in it if there are no `percentiles`, or none at
/// all if that is empty.
fn write_row(
    out: &mut String,
    name: &str,
    percentiles: Option<Percentiles>,
    otherwise: &str,
) -> Result {
    match percentiles {
        Some(Percentiles { p50, p90, p99, p999, max }) => {
            let [p50, p90, p99, p999, max] = [p50, p90, p99, p999, max].map(duration);
            writeln!(out, "    {name:<24}{p50:>11}{p90:>11}{p99:>11}{p999:>11}{max:>11}")
        }
        None if otherwise.is_empty() => Ok(()),
        None => writeln!(out, "    {name:<24}{otherwise}"),
    }
}

fn write_ticks(document: &Document, out: &mut String) -> Result {
    let ticks = &document.ticks;
    let (Some(p99), Some(max)) = (ticks.late_p99_us, ticks.late_max_us) else {
        return Ok(());
    };
    let drift = ticks.drift_us.map_or("unknown".to_owned(), |us| format!("{us} µs"));
    let (count, p99, max) = (ticks.count, duration(p99), duration(max));
    writeln!(out, "  ticks        {count}, late by {p99} (p99), {max} (max), drift {drift}")
}

fn write_errors(document: &Document, out: &mut String) -> Result {
    if document.errors.is_empty() {
        return writeln!(out, "  errors       none");
    }
    for error in &document.errors {
        writeln!(out, "  errors       {} {}: {}", error.count, error.kind, error.example)?;
        writeln!(out, "               hint: {}", error.hint)?;
    }
    Ok(())
}

fn write_generator(document: &Document, out: &mut String) -> Result {
    let generator = &document.generator;
    let late = generator.timer_late_p99_us.map_or("unknown".to_owned(), duration);
    writeln!(
        out,
        "  generator    {:.2} of {} processors, busiest thread {:.0} %, own timers late by {late} (p99)",
        generator.cores,
        generator.of_cores,
        generator.busiest * 100.0
    )
}

/// Microseconds, to three significant digits.
#[expect(clippy::cast_precision_loss, reason = "it is shown to three digits")]
fn duration(us: u64) -> String {
    match us {
        0..10_000 => format!("{:.2} ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
}

/// Milliseconds as seconds.
fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// Integers and large numbers without decimals, others with two.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

use std::fmt::Write;

use super::document::Document;
use crate::measure::Percentiles;

/// `document` as people read it.
pub fn text(document: &Document) -> String {
    let mut text = String::new();
    // Memory takes everything.
    let _ = write_text(document, &mut text);
    // Whatever a server has said.
    let lines = text.split('\n').map(tribune_protocol::text::printable);
    lines.collect::<Vec<_>>().join("\n")
}

fn write_text(document: &Document, out: &mut String) -> std::fmt::Result {
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

fn write_load(document: &Document, out: &mut String) -> std::fmt::Result {
    let Document { asked, reached, .. } = document;
    let jobs = asked.jobs.map_or("as many as there was time for".to_owned(), |n| n.to_string());
    writeln!(
        out,
        "  jobs         asked {jobs}, begun {}, reached {}, done {}, due and not begun {}",
        reached.started, reached.jobs, reached.done, reached.not_begun
    )?;
    let throttle = match asked.throttle {
        0 => "no limit".to_owned(),
        limit => format!("at most {limit} asked for"),
    };
    writeln!(out, "  active       {} at once at most, {throttle}", reached.max_active)?;
    if let Some(rate) = asked.rate {
        let reached = reached.rate.map_or("unknown".to_owned(), number);
        writeln!(out, "  rate         asked {} jobs/s, reached {reached}", number(rate))?;
    }
    let (took, sum) = (seconds(document.took_ms), seconds(document.sum_ms));
    #[expect(clippy::cast_precision_loss, reason = "it is shown to two digits")]
    let gain = document.sum_ms as f64 / document.took_ms.max(1) as f64;
    writeln!(
        out,
        "  time         {took} for all; one after another {sum}, {gain:.1} times as long"
    )?;
    writeln!(out, "  deliveries   {}/s", number(reached.deliveries_per_s))
}

fn write_ledger(document: &Document, out: &mut String) -> std::fmt::Result {
    let ledger = &document.ledger;
    writeln!(
        out,
        "  ledger       expected {}  received {}  skipped and told {}\n               \
           lost {}  duplicated {}  out of order {}  malformed {}",
        ledger.expected,
        ledger.received,
        ledger.told,
        ledger.lost,
        ledger.duplicated,
        ledger.out_of_order,
        ledger.malformed
    )?;
    for offender in &document.offenders {
        writeln!(out, "               member {} {}", offender.member, offender.offence)?;
    }
    if let Some(moves) = &document.moves {
        let (sent, back, refused) = (moves.sent, moves.back, moves.refused);
        writeln!(out, "  moves        sent {sent}  back {back}  refused {refused}")?;
    }
    Ok(())
}

fn write_latency(document: &Document, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "\n  {:<26}{:>11}{:>11}{:>11}{:>11}{:>11}",
        "latency", "p50", "p90", "p99", "p99.9", "max"
    )?;
    let mut row = |name: &str, percentiles: Option<Percentiles>, otherwise: &str| match percentiles
    {
        Some(Percentiles { p50, p90, p99, p999, max }) => {
            let [p50, p90, p99, p999, max] = [p50, p90, p99, p999, max].map(time);
            writeln!(out, "    {name:<24}{p50:>11}{p90:>11}{p99:>11}{p999:>11}{max:>11}")
        }
        None if otherwise.is_empty() => Ok(()),
        None => writeln!(out, "    {name:<24}{otherwise}"),
    };
    let service = match document.mode {
        "watch" => "delivery (±1 ms)",
        "play" => "move sent to back",
        _ => "service",
    };
    row(service, document.latency_us.service, "nothing was measured")?;
    let why = match document.mode {
        _ if document.mode == "watch" || document.asked.rate.is_some() => "",
        _ => "unknown: only with --rate is it planned when a job should begin",
    };
    row("response", document.latency_us.response, why)?;
    row("join", document.join_us, "")?;
    row("skew, first to last", document.skew_us, "")?;
    let ticks = &document.ticks;
    if let (Some(p99), Some(max)) = (ticks.late_p99_us, ticks.late_max_us) {
        let drift = ticks.drift_us.map_or("unknown".to_owned(), |us| format!("{us} µs"));
        let (p99, max) = (time(p99), time(max));
        writeln!(
            out,
            "  ticks        {} seen, late by {p99} (p99), {max} (max), drift {drift}",
            ticks.count
        )?;
    }
    writeln!(out)
}

fn write_errors(document: &Document, out: &mut String) -> std::fmt::Result {
    if document.errors.is_empty() {
        return writeln!(out, "  errors       none");
    }
    for error in &document.errors {
        writeln!(out, "  errors       {} {}: {}", error.count, error.kind, error.example)?;
        writeln!(out, "               hint: {}", error.hint)?;
    }
    Ok(())
}

fn write_generator(document: &Document, out: &mut String) -> std::fmt::Result {
    let generator = &document.generator;
    let late = generator.timer_late_p99_us.map_or("unknown".to_owned(), time);
    writeln!(
        out,
        "  generator    {:.2} of {} processors, busiest thread {:.0} %, its own timers late by {late} (p99)",
        generator.cores,
        generator.of_cores,
        generator.busiest * 100.0
    )
}

/// Microseconds, with three digits that matter.
#[expect(clippy::cast_precision_loss, reason = "it is shown to three digits")]
fn time(us: u64) -> String {
    match us {
        0..10_000 => format!("{:.2} ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.2} s", us as f64 / 1e6),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

/// A number with as many digits as are worth reading.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}

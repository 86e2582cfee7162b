//! All measurements, one after the other, and what they come to.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write},
    path::Path,
    thread::available_parallelism,
};

use anyhow::Context;
use tribune_cli::print_message;

use crate::{
    host::{NotRun, Running},
    load::{Outcome, Work},
    plot,
    system::System,
};

/// What is measured unless told otherwise.
pub const WORK: [Work; 6] = [
    work(1000, 0, Some(100)),
    work(1000, 0, None),
    work(10_000, 0, Some(10)),
    work(10_000, 0, Some(100)),
    work(500, 0, Some(10_000)),
    work(500, 500, Some(10_000)),
];

const fn work(subscribers: usize, frozen: usize, rate: Option<u32>) -> Work {
    Work { subscribers, frozen, rate, seconds: 5, counts_calls: false }
}

/// The medians of what was measured with one system.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which.
    pub system: System,
    /// Deliveries per second.
    pub deliveries: f64,
    /// Processor microseconds of the server per delivery.
    pub cost: f64,
    /// The same, as a multiple of the floor's in the same round.
    pub cost_ratio: f64,
    p50_ms: f64,
    /// 99 of 100 deliveries took no longer.
    pub p99_ms: f64,
    p99_ratio: f64,
    p999_ms: f64,
    calls: Option<f64>,
    memory: f64,
    tcp_memory: f64,
    connects: f64,
}

/// Does all `work` with each of the systems `only`, `runs` times, and prints the medians.
///
/// # Errors
/// If the table or the plot cannot be written.
pub fn run(
    work: Vec<Work>,
    only: &[System],
    runs: usize,
    plot: Option<&Path>,
) -> anyhow::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{}\n", machine())?;
    let mut tables = Vec::new();
    for work in work {
        let rows = measure_all(work, only, runs);
        writeln!(out, "{}", table(work, &rows))?;
        tables.push((work, rows));
    }
    if let Some(path) = plot {
        let svg = plot::svg(&tables).context("cannot draw the plot")?;
        fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// What it runs on.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |line| line.trim_start_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{model}, {cores} processors, Linux {}, loopback", kernel.trim())
}

/// Rounds of all systems, so that what changes on the machine meanwhile meets all of them.
fn measure_all(work: Work, only: &[System], runs: usize) -> Vec<Row> {
    let mut rounds: Vec<Vec<Outcome>> = vec![Vec::new(); only.len()];
    let mut skipped = vec![false; only.len()];
    for _ in 0..runs {
        for (index, &system) in only.iter().enumerate() {
            if skipped[index] {
                continue;
            }
            match measure(system, work) {
                Ok(outcome) => rounds[index].push(outcome),
                Err(NotRun::Missing(program)) => {
                    print_message(format_args!("{system} is skipped: {program} is not installed"));
                    skipped[index] = true;
                }
                Err(NotRun::Failed(error)) => {
                    print_message(format_args!("{system}: no result: {error:#}"));
                    skipped[index] = true;
                }
            }
        }
    }
    let floor = only.iter().position(|system| *system == System::Floor);
    let floor = floor.map(|index| rounds[index].clone()).unwrap_or_default();
    let rows = only.iter().zip(&rounds).filter(|(_, outcomes)| !outcomes.is_empty());
    rows.map(|(&system, outcomes)| row(system, work, outcomes, &floor)).collect()
}

fn row(system: System, work: Work, outcomes: &[Outcome], floor: &[Outcome]) -> Row {
    let of = |value: &dyn Fn(&Outcome) -> f64| median(outcomes.iter().map(value).collect());
    let ratio = |value: &dyn Fn(&Outcome) -> f64| {
        median(outcomes.iter().zip(floor).map(|(own, floor)| value(own) / value(floor)).collect())
    };
    let connections = number(work.subscribers + work.frozen);
    let calls = Work { counts_calls: true, seconds: 3, ..work };
    Row {
        system,
        deliveries: of(&|outcome| number(outcome.deliveries) / outcome.seconds),
        cost: of(&cost),
        cost_ratio: ratio(&cost),
        p50_ms: of(&|outcome| number(outcome.p50_us) / 1e3),
        p99_ms: of(&|outcome| number(outcome.p99_us) / 1e3),
        p99_ratio: ratio(&|outcome| number(outcome.p99_us)),
        p999_ms: of(&|outcome| number(outcome.p999_us) / 1e3),
        calls: measure(system, calls).ok().and_then(|outcome| outcome.calls_per_delivery),
        memory: of(&|outcome| {
            number(outcome.memory_connected.saturating_sub(outcome.memory_before)) / connections
        }),
        tcp_memory: of(&|outcome| number(outcome.tcp_memory_most) / 1e6),
        connects: of(&|outcome| outcome.connects_per_second),
    }
}

/// Processor microseconds of the server per delivery.
fn cost(outcome: &Outcome) -> f64 {
    outcome.processor_seconds * 1e6 / number(outcome.deliveries)
}

fn measure(system: System, work: Work) -> Result<Outcome, NotRun> {
    let running = Running::start(system)?;
    Ok(running.measure(system, work)?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn table(work: Work, rows: &[Row]) -> String {
    let mut text = format!("### {}\n\n", name(work));
    text.push_str(
        "| system | deliveries/s | CPU µs per delivery | × floor | calls per delivery | p50 ms | p99 ms | × floor | p99.9 ms | bytes per connection | TCP MB | connects/s |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let calls = row.calls.map_or("?".to_owned(), |calls| format!("{calls:.3}"));
        // Memory takes everything.
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.3} | {} | {calls} | {:.2} | {:.2} | {} | {:.2} | {:.0} | {:.1} | {:.0} |",
            row.system,
            row.deliveries,
            row.cost,
            ratio(row.cost_ratio),
            row.p50_ms,
            row.p99_ms,
            ratio(row.p99_ratio),
            row.p999_ms,
            row.memory,
            row.tcp_memory,
            row.connects,
        );
    }
    text
}

/// A multiple of the floor's, if that was measured too.
fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{value:.2}") } else { "?".to_owned() }
}

/// What `work` is called.
pub fn name(work: Work) -> String {
    let rate = work.rate.map_or("as fast as it goes".to_owned(), |rate| format!("{rate} events/s"));
    let frozen = if work.frozen > 0 {
        format!(" and {} that do not read", work.frozen)
    } else {
        String::new()
    };
    format!("{} clients{frozen}, {rate}", work.subscribers)
}

#[expect(clippy::cast_precision_loss, reason = "it is shown to three digits")]
fn number<N: TryInto<u64>>(count: N) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

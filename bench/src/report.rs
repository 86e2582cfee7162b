//! All measurements, one after the other, and what they come to.

use std::{
    io::{self, Write},
    path::Path,
};

use tribune_cli::say;

use crate::{
    host::{NotRun, Running},
    load::{Outcome, Work},
    system::System,
};

/// What is measured unless told otherwise.
pub const WORK: [Work; 5] = [
    work(1000, Some(100)),
    work(1000, Some(1000)),
    work(1000, None),
    work(10_000, Some(10)),
    work(10_000, Some(100)),
];

const fn work(subscribers: usize, rate: Option<u32>) -> Work {
    Work { subscribers, frozen: 0, rate, seconds: 5 }
}

/// Does all `work` with each of the systems `only`, `runs` times, and prints the medians.
///
/// # Errors
/// If the table cannot be written.
pub fn run(
    work: Vec<Work>,
    only: &[System],
    runs: usize,
    _plot: Option<&Path>,
) -> anyhow::Result<()> {
    for work in work {
        let mut floor = None;
        writeln!(
            io::stdout(),
            "\n{} clients (+{} frozen), rate {:?}",
            work.subscribers,
            work.frozen,
            work.rate
        )?;
        writeln!(
            io::stdout(),
            "{:<16}{:>12}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}",
            "system",
            "deliv/s",
            "cpu µs",
            "x floor",
            "p50 ms",
            "p99 ms",
            "p99.9",
            "B/conn",
            "tcp MB",
            "conn/s",
            "grew KB"
        )?;
        for &system in only {
            let mut outcomes = Vec::new();
            for _ in 0..runs {
                match measure(system, work) {
                    Ok(outcome) => outcomes.push(outcome),
                    Err(NotRun::Missing(program)) => {
                        say(format_args!("{system} is skipped: {program} is not installed"));
                        break;
                    }
                    Err(NotRun::Failed(error)) => {
                        say(format_args!("{system}: no result: {error:#}"))
                    }
                }
            }
            outcomes.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
            let Some(median) = outcomes.get(outcomes.len() / 2) else { continue };
            let base = *floor.get_or_insert(cost(median));
            let connections = (work.subscribers + work.frozen) as u64;
            writeln!(
                io::stdout(),
                "{:<16}{:>12.0}{:>9.3}{:>10.2}{:>9.2}{:>9.2}{:>9.2}{:>9}{:>9.1}{:>9.0}{:>9}",
                system.name(),
                median.deliveries as f64 / median.seconds,
                cost(median),
                cost(median) / base,
                median.p50_us as f64 / 1e3,
                median.p99_us as f64 / 1e3,
                median.p999_us as f64 / 1e3,
                median.memory_connected.saturating_sub(median.memory_before) / connections,
                median.tcp_memory_most as f64 / 1e6,
                median.connects_per_second,
                median.memory_after.saturating_sub(median.memory_connected) / 1024,
            )?;
        }
    }
    Ok(())
}

/// Processor microseconds of the server per delivery.
fn cost(outcome: &Outcome) -> f64 {
    outcome.processor_seconds * 1e6 / outcome.deliveries as f64
}

fn measure(system: System, work: Work) -> Result<Outcome, NotRun> {
    let running = Running::start(system)?;
    Ok(running.measure(system, work)?)
}

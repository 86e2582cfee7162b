//! The main measurement: each system broadcasts events to many subscribers.

use std::{fs, num::NonZero, thread::available_parallelism};

use crate::{
    metric::{Metric, Sample, milliseconds, real},
    outcome::Outcome,
    results::Results,
    rounds,
    running_server::{NO_TICKS, RunningServer},
    target::Target,
    work::Work,
};

/// How long events are published while system calls are counted, in seconds.
const COUNTING_SECONDS: u32 = 3;

/// Measures all `targets` with `work`. Failures are reported on standard error.
pub fn measure_all(
    work: Work,
    targets: &[Target],
    rounds: u32,
    reference: Option<&str>,
) -> Results {
    let mut all = rounds::run(targets, rounds, |target| {
        let outcome = measure(target, work)?;
        Ok(sample(work, &outcome))
    });
    // In a run of its own, as it costs the server time.
    let counting = Work { counts_calls: true, seconds: COUNTING_SECONDS, ..work };
    for measured in &mut all {
        let Some(sample) = measured.samples.first_mut() else { continue };
        let calls = measure(&measured.target, counting).ok().and_then(|one| one.calls_per_delivery);
        sample.extend(calls.map(|calls| (Metric::CallsPerDelivery, calls)));
    }
    Results::new(work.to_string(), &all, reference)
}

fn measure(target: &Target, work: Work) -> anyhow::Result<Outcome> {
    RunningServer::start(target, NO_TICKS)?.measure(work)
}

fn sample(work: Work, outcome: &Outcome) -> Sample {
    let deliveries = real(outcome.deliveries);
    let memory = real(outcome.memory_connected.saturating_sub(outcome.memory_before));
    vec![
        (Metric::Deliveries, deliveries / outcome.seconds),
        (Metric::CpuPerDelivery, outcome.processor_seconds * 1e6 / deliveries),
        (Metric::P50, milliseconds(outcome.p50_us)),
        (Metric::P99, milliseconds(outcome.p99_us)),
        (Metric::P999, milliseconds(outcome.p999_us)),
        (Metric::MemoryPerConnection, memory / real(work.connections())),
        (Metric::TcpMemory, real(outcome.tcp_memory_max) / 1e6),
        (Metric::Connects, outcome.connects_per_second),
    ]
}

/// The machine that everything runs on, in a line.
pub fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |line| line.trim_start_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = available_parallelism().map_or(1, NonZero::get);
    format!("{model}, {cores} processors, Linux {}, loopback", kernel.trim())
}

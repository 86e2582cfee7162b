use std::{borrow::Cow, env, num::NonZero, thread::available_parallelism, time::Duration};

use serde::Serialize;

use crate::{
    measure::{Counts, ObservedViolation, Percentiles, TickQuality},
    mode::Mode,
    plan::Plan,
    progress::Row,
    run::Run,
    verdict::{FailedCheck, Measured, Verdict, deliveries_per_second},
};

/// The version of this document: fields may be added within one, but keep their meaning.
const SCHEMA: u32 = 2;

/// Everything known about a run: all forms of the report are made from it, and it is the JSON
/// document. What is unknown is null.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The version of this document.
    pub schema: u32,
    /// The version of the program.
    pub version: &'static str,
    /// The mode: `echo`, `watch` or `play`.
    pub mode: &'static str,
    /// The address of the server under test.
    pub server: String,
    /// `pass` or `fail`.
    pub verdict: &'static str,
    /// The exit code.
    pub exit: u8,
    /// Whether a signal ended the run early.
    pub interrupted: bool,
    /// How long the run took, in milliseconds.
    pub took_ms: u64,
    /// The sum of the durations of all jobs, in milliseconds.
    pub sum_ms: u64,
    /// What was requested.
    pub requested: Requested,
    /// What was achieved.
    pub achieved: Achieved,
    /// How many events and echoes arrived, and how many were lost or wrong.
    pub ledger: Counts,
    /// Latencies, in microseconds.
    pub latency_us: LatencyReport,
    /// From the start of a connection until the client had the state, in microseconds.
    pub join_us: Option<Percentiles>,
    /// From the first to the last client that received the same event, in microseconds.
    pub skew_us: Option<Percentiles>,
    /// How regularly the clock ticked.
    pub ticks: TickQuality,
    /// Moves sent, returned and refused; null unless clients play.
    pub moves: Option<MovesReport>,
    /// Failed jobs, by kind.
    pub errors: Vec<ErrorReport>,
    /// The first violations of the protocol, with the clients that observed them.
    pub violations: Vec<ViolationReport>,
    /// The resources that the generator used.
    pub generator: GeneratorReport,
    /// The checks that failed.
    pub failed: Vec<FailedReport>,
    /// In words: what failed, and where to look for the cause.
    pub diagnosis: Vec<String>,
    /// The command line of this run.
    pub command: Vec<String>,
    /// The progress of the run, a row each second.
    pub timeline: Vec<Row>,
    /// Points of the latency distribution for a plot: a number of nines (2 is the 99th percentile),
    /// and the latency at that percentile in microseconds.
    pub latency_by_nines: Vec<(f64, u64)>,
}

/// What was requested.
#[derive(Clone, Debug, Serialize)]
pub struct Requested {
    /// Jobs; null for as many as the time allows.
    pub jobs: Option<u64>,
    /// The most jobs at once; 0 for no limit.
    pub throttle: usize,
    /// Jobs per second; null without a schedule.
    pub rate: Option<f64>,
    /// The duration, in milliseconds; null for no limit.
    pub duration_ms: Option<u64>,
}

/// What was achieved.
#[derive(Clone, Debug, Serialize)]
pub struct Achieved {
    /// Jobs started.
    pub started: u64,
    /// Jobs that connected, and in a game received its state: from there on there was something to
    /// check.
    pub connected: u64,
    /// Jobs completed without a failure.
    pub completed: u64,
    /// Jobs that were due but not started before the end.
    pub not_started: u64,
    /// The most jobs active at once.
    pub max_active: usize,
    /// Jobs started per second.
    pub rate: Option<f64>,
    /// Events and echoes received per second.
    pub deliveries_per_s: f64,
    /// How long due jobs waited for a free slot, summed, in milliseconds.
    pub throttle_wait_ms: u64,
}

/// Latencies, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LatencyReport {
    /// From the start.
    pub service: Option<Percentiles>,
    /// From the scheduled start.
    pub response: Option<Percentiles>,
}

/// The moves of all clients.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MovesReport {
    /// Moves sent.
    pub sent: u64,
    /// Moves that returned as events.
    pub returned: u64,
    /// Moves that the server refused.
    pub refused: u64,
}

/// Failed jobs of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorReport {
    /// The kind.
    pub kind: &'static str,
    /// How many jobs failed in this way.
    pub count: u64,
    /// The first of them.
    pub example: String,
    /// What to do.
    pub hint: Cow<'static, str>,
}

/// A violation of the protocol.
#[derive(Clone, Debug, Serialize)]
pub struct ViolationReport {
    /// The number of the client that observed it, from 1.
    pub client: u64,
    /// What it observed.
    pub violation: String,
}

/// The resources that the generator used.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GeneratorReport {
    /// Processors used, on average.
    pub cores: f64,
    /// Processors of this machine.
    pub of_cores: usize,
    /// Worker threads.
    pub workers: usize,
    /// The share of the run for which the busiest worker was busy.
    pub busiest: f64,
    /// The 99th percentile of how late the generator's own timers were, in microseconds.
    pub timer_late_p99_us: Option<u64>,
}

/// A check that failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedReport {
    /// The name of the check.
    pub check: String,
    /// The largest or smallest value that passes.
    pub limit: f64,
    /// The value.
    pub value: Option<f64>,
}

impl Document {
    /// The document of `run` and its `verdict`.
    pub fn new(run: &Run, measured: &Measured, verdict: Verdict) -> Self {
        let plan = &run.plan;
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            mode: plan.mode.name(),
            server: plan.server.to_string(),
            verdict: if verdict.has_passed() { "pass" } else { "fail" },
            exit: verdict.exit_code,
            interrupted: run.interrupted.is_some(),
            took_ms: millis(run.took),
            sum_ms: millis(run.tally.total_duration),
            requested: Requested::new(plan),
            achieved: Achieved::new(run),
            ledger: run.tally.counts,
            latency_us: LatencyReport {
                service: measured.service.percentiles(),
                response: measured.response.percentiles(),
            },
            join_us: run.tally.join.percentiles(),
            skew_us: measured.skew,
            ticks: measured.ticks,
            moves: (plan.mode == Mode::Play).then(|| MovesReport::new(run)),
            errors: ErrorReport::all(run),
            violations: ViolationReport::all(&run.tally.violations),
            generator: GeneratorReport::new(run),
            failed: verdict.failed.into_iter().map(FailedReport::from).collect(),
            diagnosis: verdict.diagnosis,
            command: env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
            timeline: run.timeline.rows().to_vec(),
            latency_by_nines: measured.service.by_nines(),
        }
    }
}

impl Requested {
    fn new(plan: &Plan) -> Self {
        Self {
            jobs: plan.jobs,
            throttle: plan.throttle,
            rate: plan.arrivals.map(|arrivals| arrivals.rate),
            duration_ms: plan.duration.map(millis),
        }
    }
}

impl Achieved {
    fn new(run: &Run) -> Self {
        Self {
            started: run.tally.started,
            connected: run.tally.connected,
            completed: run.tally.completed,
            not_started: run.dispatched.not_started,
            max_active: run.max_active,
            rate: run.dispatched.rate(),
            deliveries_per_s: deliveries_per_second(run),
            throttle_wait_ms: millis(run.dispatched.throttle_wait),
        }
    }
}

impl MovesReport {
    fn new(run: &Run) -> Self {
        let moves = &run.tally.moves;
        Self { sent: moves.sent, returned: moves.returned, refused: moves.refused }
    }
}

impl ErrorReport {
    fn all(run: &Run) -> Vec<Self> {
        let failures = run.tally.failures.iter();
        let report = failures.map(|(kind, count, example)| Self {
            kind: kind.name(),
            count,
            example: example.to_owned(),
            hint: kind.hint(),
        });
        report.collect()
    }
}

impl ViolationReport {
    fn all(violations: &[ObservedViolation]) -> Vec<Self> {
        let mut violations = violations.to_vec();
        violations.sort_by_key(|observed| observed.client);
        let report = violations.iter().map(|observed| Self {
            client: observed.client,
            violation: observed.violation.to_string(),
        });
        report.collect()
    }
}

impl GeneratorReport {
    fn new(run: &Run) -> Self {
        let seconds = run.took.as_secs_f64().max(f64::MIN_POSITIVE);
        Self {
            cores: run.cost.process.as_secs_f64() / seconds,
            of_cores: available_parallelism().map_or(1, NonZero::get),
            workers: run.plan.workers,
            busiest: run.cost.busiest_worker.as_secs_f64() / seconds,
            timer_late_p99_us: run.tally.timer_lateness.percentiles().map(|late| late.p99),
        }
    }
}

impl From<FailedCheck> for FailedReport {
    fn from(failed: FailedCheck) -> Self {
        Self { check: failed.check, limit: failed.limit, value: failed.value }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

use std::{env, num::NonZero, thread::available_parallelism, time::Duration};

use serde::Serialize;
use tribune_protocol::encode;

use super::diagnosis::diagnose;
use crate::{
    measure::{Counts, Percentiles, TickQuality},
    plan::Mode,
    progress::Row,
    run::Run,
    verdict::{Measured, deliveries_per_second, exit_code, failed_checks},
};

/// The version of this document.
const SCHEMA: u32 = 1;

/// Everything that is known of a run: what all forms of the report are made from, and the JSON
/// document as it is. What is not known is null.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The version of this document.
    pub schema: u32,
    /// The version of the program.
    pub version: &'static str,
    /// What members did.
    pub mode: &'static str,
    /// The server under test.
    pub server: String,
    /// `pass` or `fail`.
    pub verdict: &'static str,
    /// The exit code.
    pub exit: u8,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// How long it all took, in milliseconds.
    pub took_ms: u64,
    /// How long all jobs took together, in milliseconds.
    pub sum_ms: u64,
    /// What was asked for.
    pub asked: Asked,
    /// What was reached.
    pub reached: Reached,
    /// What became of events and echoes.
    pub ledger: Counts,
    /// How long it took, in microseconds.
    pub latency_us: LatencyReport,
    /// From when a member began to connect until it knew the state of the game, in microseconds.
    pub join_us: Option<Percentiles>,
    /// From the first to the last member that got the same event, in microseconds.
    pub skew_us: Option<Percentiles>,
    /// How well the clock ticked.
    pub ticks: TickQuality,
    /// What became of moves.
    pub moves: Option<MovesReport>,
    /// Failures, by kind.
    pub errors: Vec<ErrorReport>,
    /// The first members with whom something was wrong.
    pub offenders: Vec<OffenderReport>,
    /// What the generator did itself.
    pub generator: GeneratorReport,
    /// The checks that were not passed.
    pub failed: Vec<FailedReport>,
    /// In words: who was at fault, or what held it back.
    pub diagnosis: Vec<String>,
    /// How to do the same again.
    pub command: Vec<String>,
    /// How it went over time.
    pub timeline: Vec<Row>,
    /// For a plot of the latency: how many nines, and the microseconds below which so many are.
    pub latency_by_nines: Vec<(f64, u64)>,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Jobs; null for as many as there was time for.
    pub jobs: Option<u64>,
    /// The most at once; 0 for no limit.
    pub throttle: usize,
    /// Jobs per second; null for as fast as there were places.
    pub rate: Option<f64>,
    /// How long, in milliseconds; null for as long as it takes.
    pub duration_ms: Option<u64>,
}

/// What was reached.
#[derive(Clone, Debug, Serialize)]
pub struct Reached {
    /// Jobs that got as far as there being something to check.
    pub jobs: u64,
    /// Jobs that were begun.
    pub started: u64,
    /// Jobs that ended as they should.
    pub done: u64,
    /// Jobs that were due, and not begun before the end.
    pub not_begun: u64,
    /// The most that were active at once.
    pub max_active: usize,
    /// Jobs begun per second.
    pub rate: Option<f64>,
    /// Events and echoes that came, per second.
    pub deliveries_per_s: f64,
    /// How long the next job had to wait for a place, all together, in milliseconds.
    pub held_back_ms: u64,
}

/// How long it took, in microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LatencyReport {
    /// From when it began.
    pub service: Option<Percentiles>,
    /// From when it should have begun.
    pub response: Option<Percentiles>,
}

/// What became of moves.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MovesReport {
    /// That were sent.
    pub sent: u64,
    /// That came back.
    pub back: u64,
    /// That were refused.
    pub refused: u64,
}

/// A kind of failure.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorReport {
    /// Which.
    pub kind: &'static str,
    /// How often.
    pub count: u64,
    /// One of them.
    pub example: String,
    /// What to do.
    pub hint: &'static str,
}

/// A member with whom something was wrong.
#[derive(Clone, Debug, Serialize)]
pub struct OffenderReport {
    /// Which, the first being 1.
    pub member: u64,
    /// What was wrong.
    pub offence: String,
}

/// What the generator did itself.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GeneratorReport {
    /// How many processors it used.
    pub cores: f64,
    /// How many there are.
    pub of_cores: usize,
    /// The threads that did the work.
    pub workers: usize,
    /// The part of the run for which the busiest of them was busy.
    pub busiest: f64,
    /// 99 of 100 of its own timers were no later, in microseconds.
    pub timer_late_p99_us: Option<u64>,
}

/// A check that was not passed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedReport {
    /// Which.
    pub check: String,
    /// What it may be.
    pub limit: f64,
    /// What it was.
    pub value: Option<f64>,
}

impl Document {
    /// The document of `run`.
    pub fn new(mut run: Run) -> Self {
        // What members got differently is not what it should be with one of them.
        let different = i64::try_from(run.settled.different).unwrap_or(i64::MAX);
        run.tally.counts.malformed += different;
        run.tally.counts.received -= different;
        for offender in &run.settled.offenders {
            run.tally.name(offender.member, offender.offence);
        }
        let measured = Measured::new(&run);
        let failed = failed_checks(&run, &measured);
        let exit = run.interrupted.unwrap_or_else(|| exit_code(&failed));
        let seconds = run.took.as_secs_f64().max(f64::MIN_POSITIVE);
        let (plan, tally, counts) = (&run.plan, &run.tally, run.tally.counts);
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            mode: plan.mode.name(),
            server: plan.server.to_string(),
            verdict: if exit == 0 { "pass" } else { "fail" },
            exit,
            interrupted: run.interrupted.is_some(),
            took_ms: millis(run.took),
            sum_ms: millis(tally.busy),
            asked: Asked {
                jobs: plan.jobs,
                throttle: plan.throttle,
                rate: plan.arrivals.map(|arrivals| arrivals.rate),
                duration_ms: plan.duration.map(millis),
            },
            reached: Reached {
                jobs: tally.joined,
                started: tally.started,
                done: tally.done,
                not_begun: run.dispatched.left,
                max_active: run.most_active,
                rate: run.dispatched.rate(),
                deliveries_per_s: deliveries_per_second(&run),
                held_back_ms: millis(run.dispatched.held_back),
            },
            ledger: counts,
            latency_us: LatencyReport {
                service: measured.service.percentiles(),
                response: measured.response.percentiles(),
            },
            join_us: tally.join.percentiles(),
            skew_us: measured.skew,
            ticks: measured.ticks,
            moves: (plan.mode == Mode::Play).then_some(MovesReport {
                sent: tally.moves.sent,
                back: tally.moves.back,
                refused: tally.moves.refused,
            }),
            errors: errors(&run),
            offenders: offenders(&run),
            generator: GeneratorReport {
                cores: run.cost.process.as_secs_f64() / seconds,
                of_cores: available_parallelism().map_or(1, NonZero::get),
                workers: plan.workers,
                busiest: run.cost.busiest_worker.as_secs_f64() / seconds,
                timer_late_p99_us: tally.lateness.percentiles().map(|late| late.p99),
            },
            diagnosis: diagnose(&run, &failed),
            failed: failed
                .into_iter()
                .map(|failed| FailedReport {
                    check: failed.check,
                    limit: failed.limit,
                    value: failed.value,
                })
                .collect(),
            command: env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
            timeline: run.timeline.rows().to_vec(),
            latency_by_nines: measured.service.by_nines(),
        }
    }

    /// The document as JSON, in one printable line with its end.
    pub fn to_json(&self) -> String {
        let mut json = Vec::new();
        encode(self, &mut json);
        String::from_utf8(json).expect("JSON is text")
    }
}

fn errors(run: &Run) -> Vec<ErrorReport> {
    let report = |(kind, count, example): (crate::failure::FailureKind, u64, &str)| ErrorReport {
        kind: kind.name(),
        count,
        example: example.to_owned(),
        hint: kind.hint(),
    };
    run.tally.failures.iter().map(report).collect()
}

fn offenders(run: &Run) -> Vec<OffenderReport> {
    let mut offenders = run.tally.offenders.clone();
    offenders.sort_by_key(|offender| offender.member);
    let report = |offender: &crate::measure::Offender| OffenderReport {
        member: offender.member,
        offence: offender.offence.to_string(),
    };
    offenders.iter().map(report).collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

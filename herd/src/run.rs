use std::{io, sync::Arc, time::Duration};

use rustix::time::ClockId;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tribune_cli::{SignalAction, Signals};

use crate::{
    client::RunContext,
    dispatch::DispatchStats,
    failure::FailureKind,
    measure::{Latencies, StreamComparison, Tally},
    plan::Plan,
    progress::{Progress, Timeline},
    sampler::Sampler,
    throttle::Throttle,
    worker_pool::WorkerPool,
    worker_thread::{WorkerExits, processor_time},
};

/// How many lines of the job log may wait to be printed before jobs wait.
const JOB_LOG_CAPACITY: usize = 1024;

/// The outcome of a run: everything that was observed.
#[derive(Debug)]
pub struct Run {
    /// The plan.
    pub plan: Plan,
    /// What all clients observed, including what only the comparison of their streams shows.
    pub tally: Tally,
    /// From the first to the last client that received the same event.
    pub skew: Latencies,
    /// How jobs were dispatched.
    pub dispatched: DispatchStats,
    /// The most jobs active at once.
    pub max_active: usize,
    /// How long the run took.
    pub took: Duration,
    /// The processor time that it used.
    pub cost: Cost,
    /// How many workers failed.
    pub failed_workers: usize,
    /// Its progress.
    pub timeline: Timeline,
    /// The exit code for the signal that ended it early, if one did.
    pub interrupted: Option<u8>,
}

impl Run {
    /// If no job could connect and all failed for that reason: the first failure.
    pub fn no_server(&self) -> Option<&str> {
        let mut failures = self.tally.failures.iter();
        let (first, _, example) = failures.next()?;
        let is_none = |kind| matches!(kind, FailureKind::Refused | FailureKind::ConnectTimeout);
        let is_all = is_none(first) && failures.all(|(kind, ..)| is_none(kind));
        (is_all && self.tally.connected == 0 && self.tally.counts.expected == 0).then_some(example)
    }
}

/// Processor time used by a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// By the whole process.
    pub process: Duration,
    /// By the busiest worker.
    pub busiest_worker: Duration,
}

/// A run that has no outcome.
#[derive(Debug)]
pub enum RunError {
    /// The system refused a resource.
    System(io::Error),
    /// A second signal skipped the report: the exit code to leave with.
    Aborted(u8),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Executes `plan`, and shows its `progress`; with a log of all jobs if `verbose`.
///
/// # Errors
/// If the system refuses threads or signal handlers, or a second signal arrives.
pub async fn run(plan: Plan, mut progress: Progress, verbose: bool) -> Result<Run, RunError> {
    let signals = Signals::listen()?;
    let throttle = Throttle::new(plan.throttle);
    let (sender, job_log) = mpsc::channel(JOB_LOG_CAPACITY);
    let cost_before = processor_time(ClockId::ProcessCPUTime);
    let context = Arc::new(RunContext {
        plan,
        start: Instant::now(),
        comparison: StreamComparison::default(),
        leaving: CancellationToken::new(),
        over: CancellationToken::new(),
        job_log: verbose.then_some(sender),
    });
    let pool = WorkerPool::start(&context, throttle.clone())?;
    let sampler = Sampler::new(context.clone(), throttle, pool.tallies());
    let mut monitor =
        Monitor { signals, job_log, sampler, timeline: Timeline::default(), interrupted: None };
    let (dispatched, exits) = monitor.watch(pool, &context, &mut progress).await?;
    let took = context.start.elapsed();
    let Monitor { sampler, mut timeline, interrupted, .. } = monitor;
    timeline.note_last(&sampler.sample());
    progress.finish();
    let comparison = context.comparison.result();
    let mut tally = sampler.merged();
    comparison.correct(&mut tally);
    Ok(Run {
        plan: context.plan.clone(),
        tally,
        skew: comparison.skew,
        dispatched,
        max_active: sampler.max_active(),
        took,
        cost: Cost {
            process: processor_time(ClockId::ProcessCPUTime).saturating_sub(cost_before),
            busiest_worker: exits.busiest,
        },
        failed_workers: exits.failed,
        timeline,
        interrupted,
    })
}

/// What the main thread does while the workers work: it samples, prints, and handles signals.
struct Monitor {
    signals: Signals,
    job_log: mpsc::Receiver<String>,
    sampler: Sampler,
    timeline: Timeline,
    /// The exit code for the first signal that arrived.
    interrupted: Option<u8>,
}

impl Monitor {
    /// Watches `pool` until all its jobs have ended.
    async fn watch(
        &mut self,
        pool: WorkerPool,
        context: &Arc<RunContext>,
        progress: &mut Progress,
    ) -> Result<(DispatchStats, WorkerExits), RunError> {
        let abort = pool.abort.clone();
        let mut work = Box::pin(pool.work(context.clone()));
        let mut ticks = progress.ticks();
        let outcome = loop {
            tokio::select! {
                outcome = &mut work => break outcome,
                Some(line) = self.job_log.recv() => progress.print(&line),
                _ = ticks.tick() => {
                    let sample = self.sampler.sample();
                    progress.show(&context.plan, &sample);
                    self.timeline.note(&sample);
                }
                action = self.signals.next() => if let SignalAction::Stop(signal) = action {
                    if self.interrupted.is_some() {
                        return Err(RunError::Aborted(signal.exit_code()));
                    }
                    self.interrupted = Some(signal.exit_code());
                    progress.print("stopping; the report follows (repeat to end at once)");
                    abort.cancel();
                    context.leaving.cancel();
                }
            }
        };
        while let Ok(line) = self.job_log.try_recv() {
            progress.print(&line);
        }
        Ok(outcome)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::mode::Mode;

    /// A plan of one job.
    pub fn plan(mode: Mode) -> Plan {
        Plan {
            mode,
            server: "127.0.0.1:7".parse().unwrap(),
            sources: Vec::new(),
            jobs: Some(1),
            duration: None,
            throttle: 0,
            arrivals: None,
            hold: None,
            move_interval: Duration::from_secs(1),
            size: 64,
            timeout: Duration::from_secs(5),
            workers: 1,
            thresholds: Vec::new(),
        }
    }

    /// The context of a run of that plan.
    pub fn context(mode: Mode) -> RunContext {
        RunContext {
            plan: plan(mode),
            start: Instant::now(),
            comparison: StreamComparison::default(),
            leaving: CancellationToken::new(),
            over: CancellationToken::new(),
            job_log: None,
        }
    }

    /// A run of one job, without faults, that took ten seconds.
    pub fn passed(mode: Mode) -> Run {
        let span = Duration::from_secs(10);
        let mut tally = Tally { started: 1, connected: 1, completed: 1, ..Tally::default() };
        (tally.counts.expected, tally.counts.received) = (1, 1);
        tally.moves.sent = 1;
        Run {
            plan: plan(mode),
            tally,
            skew: Latencies::default(),
            dispatched: DispatchStats { jobs: 1, span, ..DispatchStats::default() },
            max_active: 1,
            took: span,
            cost: Cost::default(),
            failed_workers: 0,
            timeline: Timeline::default(),
            interrupted: None,
        }
    }
}

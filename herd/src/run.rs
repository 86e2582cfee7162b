use std::{io, sync::Arc, time::Duration};

use rustix::time::ClockId;
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use tribune_cli::{SignalAction, Signals};

use super::{
    dispatch::{Dispatched, dispatch},
    failure::FailureKind,
    measure::{Comparison, Settled, SharedTally, Tally},
    member::Herd,
    plan::Plan,
    progress::{Progress, Sample, Timeline},
    throttle::Throttle,
    worker::{Ended, Worker, processor_time},
};

/// How many lines about jobs may wait to be shown. Whoever has one more waits.
const CHRONICLE: usize = 1024;

/// How a run went, as it was seen.
#[derive(Debug)]
pub struct Run {
    /// What was to be done.
    pub plan: Plan,
    /// What all members saw.
    pub tally: Tally,
    /// What they saw, compared.
    pub settled: Settled,
    /// How jobs were handed out.
    pub dispatched: Dispatched,
    /// The most that were ever active.
    pub most_active: usize,
    /// How long it all took.
    pub took: Duration,
    /// What it cost.
    pub cost: Cost,
    /// How many workers have failed.
    pub failed_workers: usize,
    /// What was seen each second or so.
    pub timeline: Timeline,
    /// The exit code that a signal asked for, if one did.
    pub interrupted: Option<u8>,
}

impl Run {
    /// How it was that not one job could connect; `None` if one could, or none has tried.
    pub fn no_server(&self) -> Option<&str> {
        let mut failures = self.tally.failures.iter();
        let (first, _, example) = failures.next()?;
        let is_none = |kind| matches!(kind, FailureKind::Refused | FailureKind::ConnectTimeout);
        let is_all = is_none(first) && failures.all(|(kind, ..)| is_none(kind));
        (is_all && self.tally.joined == 0 && self.tally.counts.expected == 0).then_some(example)
    }
}

/// The processor time of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Of the whole process.
    pub process: Duration,
    /// Of the worker that needed most.
    pub busiest_worker: Duration,
}

/// How a run ended that there is nothing to say about.
#[derive(Debug)]
pub enum RunError {
    /// The system does not let it.
    System(io::Error),
    /// Somebody did not want to wait for the report: the exit code to leave with.
    CutShort(u8),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Does what `plan` says, and shows `progress`, with every single job if `verbose`.
///
/// # Errors
/// If the system has no threads to give, or somebody does not want to wait.
pub async fn run(plan: Plan, mut progress: Progress, verbose: bool) -> Result<Run, RunError> {
    let mut signals = Signals::listen()?;
    let throttle = Throttle::new(plan.throttle);
    let (chronicle, mut told) = mpsc::channel(CHRONICLE);
    let start = Instant::now();
    let processor_time_before = processor_time(ClockId::ProcessCPUTime);
    let herd = Arc::new(Herd {
        plan,
        start,
        comparison: Comparison::default(),
        leaving: CancellationToken::new(),
        over: CancellationToken::new(),
        chronicle: verbose.then_some(chronicle),
    });
    let crew = Crew::start(&herd, throttle.clone())?;
    let watcher = Watcher { herd: herd.clone(), throttle, tallies: crew.tallies.clone() };
    let abort = crew.abort.clone();
    let mut work = Box::pin(crew.work(herd.clone()));
    let mut timeline = Timeline::default();
    let mut interrupted = None;
    let mut ticks = progress.ticks();
    let (dispatched, ended) = loop {
        tokio::select! {
            done = &mut work => break done,
            Some(line) = told.recv() => progress.tell(&line),
            _ = ticks.tick() => {
                let sample = watcher.sample();
                progress.show(&herd.plan, &sample);
                timeline.note(&sample);
            }
            signal = signals.next() => if let SignalAction::Stop(signal) = signal {
                let code = signal.exit_code();
                if interrupted.is_some() {
                    return Err(RunError::CutShort(code));
                }
                interrupted = Some(code);
                progress.tell("stopping; the report follows (once more to end at once)");
                abort.cancel();
                herd.leaving.cancel();
            }
        }
    };
    while let Ok(line) = told.try_recv() {
        progress.tell(&line);
    }
    let took = start.elapsed();
    timeline.note_last(&watcher.sample());
    progress.finish();
    let process = processor_time(ClockId::ProcessCPUTime).saturating_sub(processor_time_before);
    Ok(Run {
        tally: watcher.merged(),
        settled: herd.comparison.settled(),
        dispatched,
        most_active: watcher.throttle.most_active(),
        took,
        cost: Cost { process, busiest_worker: ended.busiest },
        failed_workers: ended.failed,
        timeline,
        interrupted,
        plan: herd.plan.clone(),
    })
}

/// The workers of a herd, and what hands out their jobs.
struct Crew {
    workers: Vec<Worker>,
    tallies: Vec<SharedTally>,
    throttle: Throttle,
    abort: CancellationToken,
}

impl Crew {
    fn start(herd: &Arc<Herd>, throttle: Throttle) -> io::Result<Self> {
        let abort = CancellationToken::new();
        let start = |_| Worker::start(herd.clone(), abort.clone());
        let workers: Vec<Worker> = (0..herd.plan.workers).map(start).collect::<io::Result<_>>()?;
        let tallies = workers.iter().map(|worker| worker.tally.clone()).collect();
        Ok(Self { workers, tallies, throttle, abort })
    }

    /// Hands out all jobs and waits until they are done. Gives how that went, and how the workers
    /// ended.
    async fn work(self, herd: Arc<Herd>) -> (Dispatched, Ended) {
        let (jobs, threads): (Vec<_>, Vec<_>) =
            self.workers.into_iter().map(|worker| (worker.jobs, worker.thread)).unzip();
        // When the time is up, members leave.
        let leaving = herd.leaving.clone();
        let end = herd.plan.duration.map(|duration| herd.start + duration);
        let time = tokio::spawn(async move {
            if let Some(end) = end {
                sleep_until(end).await;
                leaving.cancel();
            }
        });
        let dispatched = dispatch(herd, self.throttle, jobs).await;
        let count = threads.len();
        let ended = spawn_blocking(move || Ended::join(threads)).await;
        time.abort();
        (dispatched, ended.unwrap_or(Ended { busiest: Duration::ZERO, failed: count }))
    }
}

/// Looks at a run while it goes on.
struct Watcher {
    herd: Arc<Herd>,
    throttle: Throttle,
    tallies: Vec<SharedTally>,
}

impl Watcher {
    fn sample(&self) -> Sample {
        let mut sample = Sample {
            at: self.herd.start.elapsed(),
            active: self.throttle.active(),
            ..Sample::default()
        };
        for tally in &self.tallies {
            sample.add(&tally.lock());
        }
        sample
    }

    fn merged(&self) -> Tally {
        let mut all = Tally::default();
        for tally in &self.tallies {
            all.merge(&tally.lock());
        }
        all
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::plan::Mode;

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
            stay: None,
            move_interval: Duration::from_secs(1),
            size: 64,
            timeout: Duration::from_secs(5),
            workers: 1,
            limits: Vec::new(),
        }
    }

    /// A herd that is to do that.
    pub fn herd(mode: Mode) -> Herd {
        Herd {
            plan: plan(mode),
            start: Instant::now(),
            comparison: Comparison::default(),
            leaving: CancellationToken::new(),
            over: CancellationToken::new(),
            chronicle: None,
        }
    }

    /// A run of one job with which nothing was wrong, and that took ten seconds.
    pub fn passed(mode: Mode) -> Run {
        let span = Duration::from_secs(10);
        let mut tally = Tally { started: 1, joined: 1, done: 1, ..Tally::default() };
        (tally.counts.expected, tally.counts.received) = (1, 1);
        tally.moves.sent = 1;
        Run {
            plan: plan(mode),
            tally,
            settled: Settled::default(),
            dispatched: Dispatched { jobs: 1, span, ..Dispatched::default() },
            most_active: 1,
            took: span,
            cost: Cost::default(),
            failed_workers: 0,
            timeline: Timeline::default(),
            interrupted: None,
        }
    }
}

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    arrivals::Arrivals,
    client::{Job, RunContext},
    throttle::Throttle,
};

/// The smallest share of the requested rate that counts as achieved.
const MIN_RATE: f64 = 0.9;

/// How jobs were dispatched.
#[derive(Clone, Copy, Debug, Default)]
pub struct DispatchStats {
    /// Jobs dispatched.
    pub jobs: u64,
    /// Jobs that were due as well, but got no permit before the end.
    pub not_started: u64,
    /// From the start of the run to the last dispatch.
    pub span: Duration,
    /// How long due jobs waited for a permit, summed.
    pub throttle_wait: Duration,
}

impl DispatchStats {
    /// Jobs per second; `None` for fewer than two jobs.
    pub fn rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 jobs")]
        let rate = self.jobs as f64 / self.span.as_secs_f64();
        (self.jobs > 1 && rate.is_finite()).then_some(rate)
    }

    /// The lowest rate that would have sufficed, and the rate, if it was lower. Both are averages, as
    /// fewer jobs are due during a ramp.
    pub fn missed_rate(&self, arrivals: Option<Arrivals>) -> Option<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 jobs")]
        let due = arrivals?.due_within(self.span) as f64;
        let min = MIN_RATE * due / self.span.as_secs_f64();
        let rate = self.rate()?;
        (rate < min).then_some((min, rate))
    }

    /// Whether due jobs waited for a permit for a tenth of the time or more.
    pub fn was_throttled(&self) -> bool {
        self.throttle_wait >= self.span / 10 && !self.throttle_wait.is_zero()
    }
}

/// Dispatches jobs to `workers` in turn, each when it is due and has a permit, until the plan is
/// fulfilled, clients are leaving, or the game is over.
pub async fn dispatch(
    run: Arc<RunContext>,
    throttle: Throttle,
    workers: Vec<mpsc::Sender<Job>>,
) -> DispatchStats {
    let mut stats = DispatchStats::default();
    // Since when a due job has been waiting for a permit.
    let mut waiting_since = None;
    let dispatch_all = async {
        for (index, worker) in (0..).zip(workers.iter().cycle()) {
            if run.plan.jobs == Some(index) {
                break;
            }
            let due = run.plan.arrivals.map(|arrivals| run.start + arrivals.offset(index));
            if let Some(due) = due {
                sleep_until(due).await;
            }
            let since = *waiting_since.insert(Instant::now());
            let permit = throttle.acquire().await;
            stats.throttle_wait += since.elapsed();
            waiting_since = None;
            // Clients that leave return their permits, but no job is to follow them.
            if run.leaving.is_cancelled() {
                break;
            }
            // A worker that has stopped takes no jobs.
            if worker.send(Job { number: index + 1, due, permit }).await.is_err() {
                break;
            }
            stats.jobs += 1;
        }
    };
    tokio::select! {
        biased;
        () = run.leaving.cancelled() => {}
        () = run.over.cancelled() => {}
        () = dispatch_all => {}
    }
    stats.span = run.start.elapsed();
    stats.throttle_wait += waiting_since.map_or(Duration::ZERO, |since| since.elapsed());
    stats.not_started = due_jobs(&run, stats.span).saturating_sub(stats.jobs);
    stats
}

/// How many jobs were due within `span`.
fn due_jobs(run: &RunContext, span: Duration) -> u64 {
    match (run.plan.arrivals, run.plan.jobs) {
        (Some(arrivals), jobs) => {
            let due = arrivals.due_within(span);
            jobs.map_or(due, |jobs| due.min(jobs))
        }
        (None, Some(jobs)) => jobs,
        (None, None) => 0,
    }
}

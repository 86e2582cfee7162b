use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    arrivals::Arrivals,
    member::{Herd, Job},
    throttle::Throttle,
};

/// A run that reaches less of the rate asked for did not do what was asked.
const REACHED: f64 = 0.9;

/// How jobs were handed out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dispatched {
    /// So many.
    pub jobs: u64,
    /// So many more were due, and found no place before the end.
    pub left: u64,
    /// From the beginning until there was nothing more to hand out.
    pub span: Duration,
    /// How long the next job had to wait for a place, all together.
    pub held_back: Duration,
}

impl Dispatched {
    /// Jobs per second; `None` if there were too few to say.
    pub fn rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 jobs are more than anybody runs")]
        let rate = self.jobs as f64 / self.span.as_secs_f64();
        (self.jobs > 1 && rate.is_finite()).then_some(rate)
    }

    /// The least that the rate was to be, and what it was, if it was less. Both are averages: while it
    /// rises, fewer are due.
    pub fn missed_rate(&self, arrivals: Option<Arrivals>) -> Option<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 jobs are more than anybody runs")]
        let due = arrivals?.due_within(self.span) as f64;
        let least = REACHED * due / self.span.as_secs_f64();
        let reached = self.rate()?;
        (reached < least).then_some((least, reached))
    }

    /// Whether, for a good part of the time, jobs had to wait for a place.
    pub fn was_held_back(&self) -> bool {
        self.held_back >= self.span / 10 && !self.held_back.is_zero()
    }
}

/// Hands out jobs to `workers` in turn, each when it is due and has a place, until there are enough,
/// or all are leaving, or the game is over.
pub async fn dispatch(
    herd: Arc<Herd>,
    throttle: Throttle,
    workers: Vec<mpsc::Sender<Job>>,
) -> Dispatched {
    let mut dispatched = Dispatched::default();
    // Since when a job that is due waits for a place.
    let mut waiting = None;
    let hand_out = async {
        for (index, worker) in (0..).zip(workers.iter().cycle()) {
            if herd.plan.jobs == Some(index) {
                break;
            }
            let intended = herd.plan.arrivals.map(|arrivals| herd.start + arrivals.offset(index));
            if let Some(intended) = intended {
                sleep_until(intended).await;
            }
            let asked = *waiting.insert(Instant::now());
            let place = throttle.place().await;
            dispatched.held_back += asked.elapsed();
            waiting = None;
            // Whoever leaves makes room, but not for another.
            if herd.leaving.is_cancelled() {
                break;
            }
            // A worker that has gone has been told to.
            if worker.send(Job { number: index + 1, intended, place }).await.is_err() {
                break;
            }
            dispatched.jobs += 1;
        }
    };
    tokio::select! {
        biased;
        () = herd.leaving.cancelled() => {}
        () = herd.over.cancelled() => {}
        () = hand_out => {}
    }
    dispatched.span = herd.start.elapsed();
    dispatched.held_back += waiting.map_or(Duration::ZERO, |since| since.elapsed());
    dispatched.left = left(&herd, dispatched);
    dispatched
}

/// How many jobs were due when nothing more was handed out, and were not.
fn left(herd: &Herd, dispatched: Dispatched) -> u64 {
    let due = match (herd.plan.arrivals, herd.plan.jobs) {
        (Some(arrivals), jobs) => {
            let due = arrivals.due_within(dispatched.span);
            jobs.map_or(due, |jobs| due.min(jobs))
        }
        (None, Some(jobs)) => jobs,
        (None, None) => 0,
    };
    due.saturating_sub(dispatched.jobs)
}

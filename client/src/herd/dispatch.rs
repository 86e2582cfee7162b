use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    member::{Herd, Job},
    throttle::Throttle,
};

/// How jobs were handed out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dispatched {
    /// So many.
    pub jobs: u64,
    /// From the first to the last.
    pub span: Duration,
    /// How long the next job had to wait for a place, all together.
    pub held_back: Duration,
}

impl Dispatched {
    /// Jobs per second; `None` if there were fewer than two.
    pub fn rate(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 jobs are more than anybody runs")]
        let rate = self.jobs.saturating_sub(1) as f64 / self.span.as_secs_f64();
        (self.jobs > 1 && rate.is_finite()).then_some(rate)
    }
}

/// Hands out jobs to `workers` in turn, each when it is due and has a place, until there are enough
/// or all are leaving.
pub async fn dispatch(
    herd: Arc<Herd>,
    throttle: Throttle,
    workers: Vec<mpsc::Sender<Job>>,
) -> Dispatched {
    let mut dispatched = Dispatched::default();
    let hand_out = async {
        let mut first = None;
        for (index, worker) in (0..).zip(workers.iter().cycle()) {
            if herd.plan.jobs == Some(index) {
                break;
            }
            let intended = herd.plan.arrivals.map(|arrivals| herd.start + arrivals.offset(index));
            if let Some(intended) = intended {
                sleep_until(intended).await;
            }
            let asked = Instant::now();
            let place = throttle.place().await;
            let begun = Instant::now();
            // A worker that has gone has been told to.
            if worker.send(Job { number: index + 1, intended, place }).await.is_err() {
                break;
            }
            dispatched.jobs += 1;
            dispatched.span = begun - *first.get_or_insert(begun);
            dispatched.held_back += begun - asked;
        }
    };
    herd.leaving.run_until_cancelled(hand_out).await;
    dispatched
}

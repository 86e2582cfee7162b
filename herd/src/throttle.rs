use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Limits how many jobs are active at once: a bounded queue of tokens. A token is put in before a job
/// starts, and taken out after it ends, however it ends.
///
/// Active jobs are counted independently of the tokens, so that the report shows what happened rather
/// than what was intended.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// `None` if there is no limit.
    tokens: Option<Arc<Semaphore>>,
    gauge: Arc<Gauge>,
}

#[derive(Debug, Default)]
struct Gauge {
    active: AtomicUsize,
    max: AtomicUsize,
}

/// The right of one job to be active.
#[derive(Debug)]
pub struct Permit {
    _token: Option<OwnedSemaphorePermit>,
    gauge: Arc<Gauge>,
}

/// An active job. Dropping it ends the job and returns its permit.
#[derive(Debug)]
pub struct ActiveJob(Permit);

impl Throttle {
    /// A throttle for at most `limit` jobs; 0 for no limit.
    pub fn new(limit: usize) -> Self {
        let tokens =
            (limit > 0).then(|| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))));
        Self { tokens, gauge: Arc::default() }
    }

    /// Waits for a permit.
    pub async fn acquire(&self) -> Permit {
        let token = match self.tokens.clone() {
            Some(tokens) => Some(tokens.acquire_owned().await.expect("it is never closed")),
            None => None,
        };
        Permit { _token: token, gauge: self.gauge.clone() }
    }

    /// How many jobs are active.
    pub fn active(&self) -> usize {
        self.gauge.active.load(Ordering::Relaxed)
    }

    /// The most jobs that were active at once.
    pub fn max_active(&self) -> usize {
        self.gauge.max.load(Ordering::Relaxed)
    }
}

impl Permit {
    /// Counts the job as active.
    pub fn activate(self) -> ActiveJob {
        let active = self.gauge.active.fetch_add(1, Ordering::Relaxed) + 1;
        self.gauge.max.fetch_max(active, Ordering::Relaxed);
        ActiveJob(self)
    }
}

impl Drop for ActiveJob {
    fn drop(&mut self) {
        self.0.gauge.active.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{task::JoinSet, time::sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_limit_holds_however_jobs_end() {
        let throttle = Throttle::new(8);
        let mut jobs = JoinSet::new();
        for number in 0..100_u64 {
            let permit = throttle.acquire().await;
            let job = jobs.spawn(async move {
                let _active = permit.activate();
                sleep(Duration::from_millis(number % 7)).await;
                assert!(!number.is_multiple_of(5), "on purpose");
            });
            if number % 11 == 3 {
                job.abort();
            }
        }
        while jobs.join_next().await.is_some() {}
        assert_eq!((throttle.active(), throttle.max_active()), (0, 8));
        // All permits have been returned.
        for _ in 0..8 {
            std::mem::forget(throttle.acquire().await);
        }
    }

    #[tokio::test]
    async fn without_a_limit_active_jobs_are_counted() {
        let throttle = Throttle::new(0);
        let mut active = Vec::new();
        for _ in 0..1000 {
            active.push(throttle.acquire().await.activate());
        }
        assert_eq!(throttle.active(), 1000);
        drop(active);
        assert_eq!((throttle.active(), throttle.max_active()), (0, 1000));
    }
}

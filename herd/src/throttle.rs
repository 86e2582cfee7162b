use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets only so many jobs be active at once: a bounded queue of tokens. One is put in before a job,
/// and taken out after it, however it ends.
///
/// Beside it, the jobs themselves are counted, so that what is reported is what was, and not what
/// was meant to be.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// `None` if there is no limit.
    places: Option<Arc<Semaphore>>,
    gauge: Arc<Gauge>,
}

#[derive(Debug, Default)]
struct Gauge {
    active: AtomicUsize,
    most: AtomicUsize,
}

/// A place in the queue.
#[derive(Debug)]
pub struct Place {
    _token: Option<OwnedSemaphorePermit>,
    gauge: Arc<Gauge>,
}

/// A job that is active. It is counted until this is dropped, and gives its place back then.
#[derive(Debug)]
pub struct Active(Place);

impl Throttle {
    /// Room for `limit` jobs; 0 for any number.
    pub fn new(limit: usize) -> Self {
        let places =
            (limit > 0).then(|| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))));
        Self { places, gauge: Arc::default() }
    }

    /// Waits for a place.
    pub async fn place(&self) -> Place {
        let token = match self.places.clone() {
            Some(places) => Some(places.acquire_owned().await.expect("it is never closed")),
            None => None,
        };
        Place { _token: token, gauge: self.gauge.clone() }
    }

    /// How many jobs are active.
    pub fn active(&self) -> usize {
        self.gauge.active.load(Ordering::Relaxed)
    }

    /// The most that ever were.
    pub fn most_active(&self) -> usize {
        self.gauge.most.load(Ordering::Relaxed)
    }
}

impl Place {
    /// Takes the place: the job begins.
    pub fn take(self) -> Active {
        let active = self.gauge.active.fetch_add(1, Ordering::Relaxed) + 1;
        self.gauge.most.fetch_max(active, Ordering::Relaxed);
        Active(self)
    }
}

impl Drop for Active {
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
    async fn only_so_many_are_active_however_they_end() {
        let throttle = Throttle::new(8);
        let mut jobs = JoinSet::new();
        for number in 0..100_u64 {
            let place = throttle.place().await;
            let job = jobs.spawn(async move {
                let _active = place.take();
                sleep(Duration::from_millis(number % 7)).await;
                assert!(!number.is_multiple_of(5), "on purpose");
            });
            if number % 11 == 3 {
                job.abort();
            }
        }
        while jobs.join_next().await.is_some() {}
        assert_eq!((throttle.active(), throttle.most_active()), (0, 8));
        // All places are free again.
        for _ in 0..8 {
            std::mem::forget(throttle.place().await);
        }
    }

    #[tokio::test]
    async fn without_a_limit_all_are_active_and_counted() {
        let throttle = Throttle::new(0);
        let mut active = Vec::new();
        for _ in 0..1000 {
            active.push(throttle.place().await.take());
        }
        assert_eq!(throttle.active(), 1000);
        drop(active);
        assert_eq!((throttle.active(), throttle.most_active()), (0, 1000));
    }
}

use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::RateLimit;

/// A flood that goes on is told of this often.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// A flood has ended when nothing was refused for so long.
const QUIET: Duration = Duration::from_secs(1);

/// How many bytes a second several connections may add to the log together, and how many lines of
/// theirs were left out.
#[derive(Debug)]
pub struct SharedBudget(Mutex<Budget>);

#[derive(Debug)]
struct Budget {
    limit: RateLimit,
    left_out: u64,
    /// When something was left out for the first and for the last time.
    flood: Option<(Instant, Instant)>,
}

impl SharedBudget {
    /// `per_second` bytes, and as many at once after a pause.
    pub fn new(per_second: NonZeroU32) -> Self {
        let limit = RateLimit::new(per_second, per_second);
        Self(Mutex::new(Budget { limit, left_out: 0, flood: None }))
    }

    /// Spends `bytes` at `now`; `false` if there is nothing left to spend, and a line was left out.
    pub fn spend(&self, bytes: usize, now: Instant) -> bool {
        let mut budget = self.lock();
        let is_allowed = budget.limit.allows_many(bytes, now);
        if !is_allowed {
            budget.left_out += 1;
            let first = budget.flood.map_or(now, |(first, _)| first);
            budget.flood = Some((first, now));
        }
        is_allowed
    }

    /// How many lines were left out, if a flood has ended at `now` or it is time to tell of one
    /// that goes on. Each line is told of once.
    pub fn take_left_out(&self, now: Instant) -> Option<u64> {
        let mut budget = self.lock();
        let (first, last) = budget.flood?;
        let is_due = now.saturating_duration_since(last) >= QUIET
            || now.saturating_duration_since(first) >= TOLD_EVERY;
        if !is_due {
            return None;
        }
        budget.flood = None;
        Some(std::mem::take(&mut budget.left_out))
    }

    /// Whether all that was spent until `now` is earned again, so that a new budget would be the
    /// same, and nothing is to be told.
    pub fn is_as_new(&self, now: Instant) -> bool {
        let budget = self.lock();
        budget.limit.is_paid(now) && budget.flood.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Budget> {
        self.0.lock().expect("nothing that holds the mutex can panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_once_when_the_flood_has_ended() {
        let budget = SharedBudget::new(NonZeroU32::new(1000).unwrap());
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let done = (0..100).filter(|_| budget.spend(100, start)).count();
        assert_eq!(done, 10);
        assert_eq!(budget.take_left_out(at(999)), None);
        assert_eq!(budget.take_left_out(at(1000)), Some(90));
        assert_eq!(budget.take_left_out(at(5000)), None);
        assert!(budget.spend(100, at(1000)) && !budget.is_as_new(at(1001)));
        assert!(budget.is_as_new(at(2000)));
    }

    #[test]
    fn a_flood_without_end_is_told_of_now_and_then() {
        let budget = SharedBudget::new(NonZeroU32::new(1000).unwrap());
        let start = Instant::now();
        let mut told = Vec::new();
        for ms in (0..180_000).step_by(100) {
            let now = start + Duration::from_millis(ms);
            (0..10).for_each(|_| _ = budget.spend(100, now));
            told.extend(budget.take_left_out(now).map(|_| ms));
        }
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

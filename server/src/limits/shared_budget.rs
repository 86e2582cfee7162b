use std::{
    num::NonZeroU32,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tribune_protocol::Gcra;

/// How often the refusals of a flood that goes on are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// A flood has ended when nothing was refused for this long.
const QUIET_PERIOD: Duration = Duration::from_secs(1);

/// How many bytes a second several connections may add to the log together, and how many of their
/// lines were refused.
#[derive(Debug)]
pub struct SharedBudget(Mutex<Budget>);

#[derive(Debug)]
struct Budget {
    limiter: Gcra,
    refused: u64,
    /// When a line was refused for the first and for the last time.
    flood: Option<(Instant, Instant)>,
}

impl SharedBudget {
    /// `per_second` bytes, and as many at once after a pause.
    pub fn new(per_second: NonZeroU32) -> Self {
        let limiter = Gcra::per_second(per_second, per_second);
        Self(Mutex::new(Budget { limiter, refused: 0, flood: None }))
    }

    /// Spends `bytes` at `now`. `false` if the budget is used up; then a line counts as refused.
    pub fn try_spend(&self, bytes: usize, now: Instant) -> bool {
        let mut budget = self.lock();
        let is_allowed = budget.limiter.try_record_many(bytes, now);
        if !is_allowed {
            budget.refused += 1;
            let first = budget.flood.map_or(now, |(first, _)| first);
            budget.flood = Some((first, now));
        }
        is_allowed
    }

    /// The number of lines refused since the last report, if one is due at `now`: when a flood has
    /// ended, and once a minute while one goes on.
    pub fn take_report(&self, now: Instant) -> Option<u64> {
        let mut budget = self.lock();
        let (first, last) = budget.flood?;
        let is_due = now.saturating_duration_since(last) >= QUIET_PERIOD
            || now.saturating_duration_since(first) >= REPORT_INTERVAL;
        if !is_due {
            return None;
        }
        budget.flood = None;
        Some(std::mem::take(&mut budget.refused))
    }

    /// Whether a new budget would be the same at `now`: nothing is spent, and nothing to report.
    pub fn is_idle(&self, now: Instant) -> bool {
        let budget = self.lock();
        budget.limiter.is_idle(now) && budget.flood.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Budget> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_reported_once_when_the_flood_has_ended() {
        let budget = SharedBudget::new(NonZeroU32::new(1000).unwrap());
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let spent = (0..100).filter(|_| budget.try_spend(100, start)).count();
        assert_eq!(spent, 10);
        assert_eq!(budget.take_report(at(999)), None);
        assert_eq!(budget.take_report(at(1000)), Some(90));
        assert_eq!(budget.take_report(at(5000)), None);
        assert!(budget.try_spend(100, at(1000)) && !budget.is_idle(at(1001)));
        assert!(budget.is_idle(at(2000)));
    }

    #[test]
    fn a_flood_that_goes_on_is_reported_once_a_minute() {
        let budget = SharedBudget::new(NonZeroU32::new(1000).unwrap());
        let start = Instant::now();
        let mut reports = Vec::new();
        for ms in (0..180_000).step_by(100) {
            let now = start + Duration::from_millis(ms);
            (0..10).for_each(|_| _ = budget.try_spend(100, now));
            reports.extend(budget.take_report(now).map(|_| ms));
        }
        assert_eq!(reports.len(), 2, "{reports:?}");
    }
}

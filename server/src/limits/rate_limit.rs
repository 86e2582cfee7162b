use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// How often something may be done: a number of times per second, and as many at once after a
/// pause.
///
/// It is the generic cell rate algorithm (ITU-T I.371): what was done costs time, and it may be
/// done again when less than a second of it is still to be paid.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// What one time costs.
    cost: Duration,
    /// How much may be owed.
    credit: Duration,
    /// When everything is paid.
    paid: Option<Instant>,
}

impl RateLimit {
    /// At most `per_second` times a second, and `at_once` after a pause.
    pub fn new(per_second: NonZeroU32, at_once: NonZeroU32) -> Self {
        let cost = Duration::from_secs(1) / per_second.get();
        Self { cost, credit: cost * (at_once.get() - 1), paid: None }
    }

    /// Whether it may be done once at `now`. If so, it counts as done.
    pub fn allows(&mut self, now: Instant) -> bool {
        self.allows_many(1, now)
    }

    /// Whether it may be done at `now`. If so, it counts as done `times`, of which it has to be
    /// possible to do only the first: the rest is made up for by a longer wait.
    pub fn allows_many(&mut self, times: usize, now: Instant) -> bool {
        let allowed = self.owed(now) <= self.credit;
        if allowed {
            self.pay(u32::try_from(times).unwrap_or(u32::MAX), now);
        }
        allowed
    }

    /// Whether nothing is owed at `now`.
    pub fn is_paid(&self, now: Instant) -> bool {
        self.owed(now).is_zero()
    }

    /// Counts it as done `times` at `now`, and says how long to wait before it is done again.
    pub fn pause_after(&mut self, times: usize, now: Instant) -> Duration {
        self.pay(u32::try_from(times).unwrap_or(u32::MAX), now);
        self.owed(now).saturating_sub(self.credit)
    }

    fn owed(&self, now: Instant) -> Duration {
        self.paid.map_or(Duration::ZERO, |paid| paid.saturating_duration_since(now))
    }

    fn pay(&mut self, times: u32, now: Instant) {
        self.paid = Some(now + self.owed(now) + self.cost * times);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(per_second: u32, at_once: u32) -> RateLimit {
        RateLimit::new(per_second.try_into().unwrap(), at_once.try_into().unwrap())
    }

    #[test]
    fn a_second_of_it_may_be_done_at_once_and_then_one_at_a_time() {
        let mut limit = limit(50, 50);
        let start = Instant::now();
        let done = |limit: &mut RateLimit, ms| {
            (0..1000).filter(|_| limit.allows(start + Duration::from_millis(ms))).count()
        };
        assert_eq!(done(&mut limit, 0), 50);
        assert_eq!(done(&mut limit, 19), 0);
        assert_eq!(done(&mut limit, 20), 1);
        assert_eq!(done(&mut limit, 120), 5);
        assert_eq!(done(&mut limit, 60_000), 50);
    }

    #[test]
    fn one_who_waits_as_told_keeps_to_the_rate() {
        let mut limit = limit(1000, 100);
        let start = Instant::now();
        let mut now = start;
        for _ in 0..50 {
            now += limit.pause_after(100, now);
        }
        assert_eq!((now - start).as_millis(), 4901);
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_holds_more_than_it_may(
            per_second in 1u32..1000,
            at_once in 1u32..100,
            pauses in prop::collection::vec(0u64..50, 1..200),
        ) {
            let mut limit = limit(per_second, at_once);
            let start = Instant::now();
            let mut now = start;
            let mut done = 0u32;
            for pause in pauses {
                now += Duration::from_millis(pause);
                done += u32::from(limit.allows(now));
                let most = f64::from(at_once) + (now - start).as_secs_f64() * f64::from(per_second) * 1.000_001;
                prop_assert!(f64::from(done) <= most);
            }
        }
    }
}

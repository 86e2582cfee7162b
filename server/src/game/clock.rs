use std::time::Duration;

/// After the server was held up, at most this many missed ticks are emitted, all at once, so that
/// a suspended machine does not flood the log when it resumes.
const MAX_CATCH_UP_TICKS: u32 = 100;

/// The clock of a game: a tick at 0 and then one per period, at absolute times, so that it does
/// not drift however late it is read.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    period: Duration,
    /// The number of the last tick. The first is 0.
    ticks: u64,
    next: Duration,
}

impl Clock {
    /// A clock whose first tick is due at 0. The period must not be 0.
    pub fn new(period: Duration) -> Self {
        Self { period, ticks: 0, next: Duration::ZERO }
    }

    /// The number of the last tick; 0 also before the first.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// When the next tick is due.
    pub fn next_due(&self) -> Duration {
        self.next
    }

    /// Whether the first tick is still to come.
    pub fn is_at_start(&self) -> bool {
        self.next.is_zero()
    }

    /// Takes the next tick and returns its number.
    pub fn tick(&mut self) -> u64 {
        self.ticks += u64::from(!self.is_at_start());
        self.next += self.period;
        self.ticks
    }

    /// Skips all but the last [`MAX_CATCH_UP_TICKS`] of the ticks that are due at `now`. The ticks
    /// after them have the numbers that they would have had.
    pub fn skip_missed(&mut self, now: Duration) {
        if self.is_at_start() {
            return;
        }
        let missed = now.saturating_sub(self.next).as_nanos() / self.period.as_nanos();
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        let skipped = missed.saturating_sub(MAX_CATCH_UP_TICKS - 1);
        self.ticks += u64::from(skipped);
        self.next += self.period * skipped;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ticks_have_absolute_times_and_are_bounded_after_a_pause(
            period in 1u64..1000,
            pauses in prop::collection::vec(prop_oneof![0u64..2000, 0u64..10_000_000], 0..30),
        ) {
            let mut clock = Clock::new(Duration::from_millis(period));
            prop_assert_eq!(clock.tick(), 0);
            let mut now = 0;
            for pause in pauses {
                now += pause;
                let time = Duration::from_millis(now);
                clock.skip_missed(time);
                let mut emitted = 0;
                let mut last = clock.ticks();
                while clock.next_due() <= time {
                    let tick = clock.tick();
                    prop_assert_eq!(tick, last + 1, "no gap after those that were skipped");
                    last = tick;
                    emitted += 1;
                }
                prop_assert!(emitted <= MAX_CATCH_UP_TICKS);
                prop_assert_eq!(clock.ticks(), now / period, "the clock is on time");
            }
        }
    }
}

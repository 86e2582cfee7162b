use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// A rate limiter: the generic cell rate algorithm in its virtual scheduling form.
///
/// A cell (a move, a line, a byte) is expected one *emission interval* after the one before it, at
/// the *theoretical arrival time*. A cell conforms if it arrives no earlier than the *burst
/// tolerance* before that time. Nothing is counted and no timer runs: the state is one instant.
///
/// The server limits by it, and the client paces itself by it, so both count in the same way.
///
/// Source: ATM Forum, Traffic Management Specification 4.1 (AF-TM-0121.000), section 4.4.2; also
/// ITU-T I.371. An introduction: <https://brandur.org/rate-limiting>.
#[derive(Clone, Debug)]
pub struct Gcra {
    emission_interval: Duration,
    burst_tolerance: Duration,
    /// The theoretical arrival time of the next cell; `None` before the first.
    arrival: Option<Instant>,
}

impl Gcra {
    /// One cell per `emission_interval` on average, and `burst` of them at once after a pause.
    pub fn new(emission_interval: Duration, burst: NonZeroU32) -> Self {
        let burst_tolerance = emission_interval * (burst.get() - 1);
        Self { emission_interval, burst_tolerance, arrival: None }
    }

    /// `rate` cells per second on average, and `burst` of them at once after a pause.
    pub fn per_second(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        Self::new(Duration::from_secs(1) / rate.get(), burst)
    }

    /// The earliest time at which the next cell conforms; `None` if that is any time.
    pub fn conforms_at(&self) -> Option<Instant> {
        self.arrival.and_then(|arrival| arrival.checked_sub(self.burst_tolerance))
    }

    /// Whether a cell that arrives at `now` conforms. Only a conforming cell is recorded.
    pub fn try_record(&mut self, now: Instant) -> bool {
        self.try_record_many(1, now)
    }

    /// Whether a message of `cells` that arrives at `now` conforms: its first cell has to. If so,
    /// all of its cells are recorded, and the next message has to wait for longer.
    pub fn try_record_many(&mut self, cells: usize, now: Instant) -> bool {
        let conforms = self.backlog(now) <= self.burst_tolerance;
        if conforms {
            self.record(cells, now);
        }
        conforms
    }

    /// Records `cells` that arrive at `now`, whether they conform or not.
    pub fn record(&mut self, cells: usize, now: Instant) {
        let cells = u32::try_from(cells).unwrap_or(u32::MAX);
        self.arrival = Some(now + self.backlog(now) + self.emission_interval * cells);
    }

    /// How long after `now` the next cell conforms.
    pub fn delay(&self, now: Instant) -> Duration {
        self.backlog(now).saturating_sub(self.burst_tolerance)
    }

    /// Whether a whole burst conforms at `now`, as it does for a new limiter.
    pub fn is_idle(&self, now: Instant) -> bool {
        self.backlog(now).is_zero()
    }

    /// How far after `now` the theoretical arrival time is.
    fn backlog(&self, now: Instant) -> Duration {
        self.arrival.map_or(Duration::ZERO, |arrival| arrival.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limiter(rate: u32, burst: u32) -> Gcra {
        Gcra::per_second(rate.try_into().unwrap(), burst.try_into().unwrap())
    }

    #[test]
    fn a_burst_conforms_and_then_one_cell_per_emission_interval() {
        let mut gcra = limiter(50, 50);
        let start = Instant::now();
        let conforming = |gcra: &mut Gcra, ms| {
            (0..1000).filter(|_| gcra.try_record(start + Duration::from_millis(ms))).count()
        };
        assert_eq!(conforming(&mut gcra, 0), 50);
        assert_eq!(conforming(&mut gcra, 19), 0);
        assert_eq!(conforming(&mut gcra, 20), 1);
        assert_eq!(conforming(&mut gcra, 120), 5);
        assert_eq!(conforming(&mut gcra, 60_000), 50);
    }

    #[test]
    fn a_sender_that_waits_for_each_delay_keeps_to_the_rate() {
        let mut gcra = limiter(1000, 100);
        let start = Instant::now();
        let mut now = start;
        for _ in 0..50 {
            gcra.record(100, now);
            now += gcra.delay(now);
        }
        assert_eq!((now - start).as_millis(), 4901);
    }

    #[test]
    fn is_idle_when_the_theoretical_arrival_time_has_passed() {
        let mut gcra = limiter(10, 5);
        let start = Instant::now();
        assert!(gcra.is_idle(start) && gcra.conforms_at().is_none());
        gcra.record(3, start);
        assert!(!gcra.is_idle(start + Duration::from_millis(299)));
        assert!(gcra.is_idle(start + Duration::from_millis(300)));
    }

    proptest! {
        #[test]
        fn no_period_has_more_conforming_cells_than_the_rate_and_a_burst(
            rate in 1u32..1000,
            burst in 1u32..100,
            pauses in prop::collection::vec(0u64..50, 1..200),
        ) {
            let mut gcra = limiter(rate, burst);
            let start = Instant::now();
            let mut now = start;
            let mut conforming = 0u32;
            for pause in pauses {
                now += Duration::from_millis(pause);
                conforming += u32::from(gcra.try_record(now));
                let most = f64::from(burst) + (now - start).as_secs_f64() * f64::from(rate) * 1.000_001;
                prop_assert!(f64::from(conforming) <= most);
            }
        }

        #[test]
        fn the_next_cell_conforms_exactly_when_it_says(
            rate in 1u32..1000,
            burst in 1u32..100,
            pauses in prop::collection::vec(0u64..50, 1..50),
        ) {
            let mut gcra = limiter(rate, burst);
            let mut now = Instant::now() + Duration::from_secs(1000);
            for pause in pauses {
                now += Duration::from_millis(pause);
                gcra.record(7, now);
                let at = gcra.conforms_at().unwrap();
                prop_assert_eq!(gcra.delay(now), at.saturating_duration_since(now));
                let before = at.checked_sub(Duration::from_nanos(1)).unwrap();
                prop_assert!(!gcra.clone().try_record(before));
                prop_assert!(gcra.clone().try_record(at));
            }
        }
    }
}

use serde::Serialize;

use super::{delays::Delays, latencies::Percentiles};

/// Measures the clock of a game as clients see it.
#[derive(Clone, Debug, Default)]
pub struct Ticks {
    lateness: Delays,
    first: Option<Tick>,
    last: Option<Tick>,
}

/// A tick, and the smallest offset between its arrival and the time that it stands for.
#[derive(Clone, Copy, Debug)]
struct Tick {
    number: u64,
    offset_us: i64,
}

/// The regularity of ticks, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TickQuality {
    /// The number of different ticks.
    pub count: u64,
    /// The median of how late they arrived, relative to the most punctual tick.
    pub late_p50_us: Option<u64>,
    /// The 99th percentile.
    pub late_p99_us: Option<u64>,
    /// The maximum.
    pub late_max_us: Option<u64>,
    /// How much later the last tick was than the first, after accounting for the ticks between them;
    /// negative if the clock is fast.
    pub drift_us: Option<i64>,
}

impl Ticks {
    /// Records the tick `number` of a clock with the interval `tick_us`, which arrived at `at_us`.
    pub fn record(&mut self, number: u64, tick_us: u64, at_us: u64) {
        let due_us = number.saturating_mul(tick_us);
        self.lateness.record(due_us, at_us);
        let [at, due] = [at_us, due_us].map(|us| i64::try_from(us).unwrap_or(i64::MAX));
        let offset_us = at.saturating_sub(due);
        self.note(Tick { number, offset_us });
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.lateness.merge(&other.lateness);
        for tick in [other.first, other.last].into_iter().flatten() {
            self.note(tick);
        }
    }

    /// The regularity of all ticks recorded.
    pub fn quality(self) -> TickQuality {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return TickQuality::default();
        };
        let late: Option<Percentiles> = self.lateness.latencies().percentiles();
        let count = (last.number - first.number).saturating_add(1);
        TickQuality {
            count,
            late_p50_us: late.map(|late| late.p50),
            late_p99_us: late.map(|late| late.p99),
            late_max_us: late.map(|late| late.max),
            drift_us: (count > 1).then(|| last.offset_us.saturating_sub(first.offset_us)),
        }
    }

    fn note(&mut self, tick: Tick) {
        // The client that received a tick first is closest to when it was sent.
        let soonest = |known: Tick| if known.offset_us <= tick.offset_us { known } else { tick };
        self.first = Some(match self.first {
            Some(known) if known.number < tick.number => known,
            Some(known) if known.number == tick.number => soonest(known),
            _ => tick,
        });
        self.last = Some(match self.last {
            Some(known) if known.number > tick.number => known,
            Some(known) if known.number == tick.number => soonest(known),
            _ => tick,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: u64 = 1_000_000;

    fn quality(received: &[(u64, u64)]) -> TickQuality {
        let mut ticks = Ticks::default();
        for &(number, at) in received {
            ticks.record(number, TICK, at);
        }
        ticks.quality()
    }

    #[test]
    fn a_regular_clock_is_on_time() {
        let ticks = [(3, 3_000_700), (4, 4_000_700), (5, 5_000_700)];
        let quality = quality(&ticks);
        assert_eq!((quality.count, quality.late_max_us, quality.drift_us), (3, Some(1), Some(0)));
    }

    #[test]
    fn drift_is_measured_from_the_first_arrivals() {
        let ticks =
            [(1, 1_000_900), (1, 1_000_100), (2, 2_000_700), (3, 3_000_400), (3, 3_000_500)];
        let quality = quality(&ticks);
        assert_eq!(
            (quality.count, quality.drift_us, quality.late_max_us),
            (3, Some(300), Some(800))
        );
    }

    #[test]
    fn one_tick_has_no_drift() {
        assert_eq!(quality(&[(1, 5)]).drift_us, None);
        assert_eq!(quality(&[]), TickQuality::default());
    }
}

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest duration that is recorded: an hour. Longer ones count as an hour.
const LONGEST_US: u64 = 3_600_000_000;

/// The precision: three significant digits.
const DIGITS: u8 = 3;

/// A histogram of durations, of fixed size: microseconds to an hour.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

/// Some quantiles of [`Latencies`], in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The 99.9th percentile.
    pub p999: u64,
    /// The maximum.
    pub max: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect("these bounds are valid"))
    }
}

impl Latencies {
    /// Records a duration.
    pub fn record(&mut self, took: Duration) {
        self.record_us(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Records a duration in microseconds.
    pub fn record_us(&mut self, us: u64) {
        self.0.saturating_record(us.clamp(1, LONGEST_US));
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    /// The quantiles; `None` if nothing was recorded.
    pub fn percentiles(&self) -> Option<Percentiles> {
        (!self.0.is_empty()).then(|| Percentiles {
            p50: self.0.value_at_quantile(0.5),
            p90: self.0.value_at_quantile(0.9),
            p99: self.0.value_at_quantile(0.99),
            p999: self.0.value_at_quantile(0.999),
            max: self.0.max(),
        })
    }

    /// Points of the distribution for a plot: a number of nines, and the microseconds at that
    /// percentile.
    pub fn by_nines(&self) -> Vec<(f64, u64)> {
        if self.0.is_empty() {
            return Vec::new();
        }
        // Up to 4.5 nines, or the percentile 99.997, in steps of a tenth.
        let nines = (0..=45).map(|step| f64::from(step) / 10.0);
        nines.map(|nines| (nines, self.0.value_at_quantile(1.0 - 10_f64.powf(-nines)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_match_the_recorded_durations() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentiles(), None);
        for us in 1..=1000 {
            latencies.record(Duration::from_micros(us));
        }
        let found = latencies.percentiles().unwrap();
        assert_eq!((found.p50, found.p90, found.p99, found.p999), (500, 900, 990, 999));
        assert_eq!(found.max, 1000);
    }

    #[test]
    fn durations_out_of_range_are_clamped() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::ZERO);
        latencies.record(Duration::MAX);
        let max = latencies.percentiles().unwrap().max;
        assert!(max.abs_diff(LONGEST_US) < LONGEST_US / 1000);
    }
}

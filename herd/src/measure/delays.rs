use super::latencies::Latencies;

/// How many offsets are kept before they are recorded, to find the minimum first.
const PENDING: usize = 4096;

/// How long events take from their timestamp to their arrival, without knowledge of the offset between
/// the server's clock and the local one.
///
/// The fastest event is taken to have no delay, and all others are measured relative to it. That is
/// exact to the resolution of the timestamps, and hides a delay that all events have in common.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    /// The smallest offset so far, in microseconds.
    min_offset: Option<i64>,
    pending: Vec<i64>,
    latencies: Latencies,
}

impl Delays {
    /// Records an event with the timestamp `stamp_us` that arrived at `at_us`, each by its own clock.
    pub fn record(&mut self, stamp_us: u64, at_us: u64) {
        let [at, stamp] = [at_us, stamp_us].map(|us| i64::try_from(us).unwrap_or(i64::MAX));
        let offset = at.saturating_sub(stamp);
        self.min_offset = Some(self.min_offset.map_or(offset, |min| min.min(offset)));
        self.pending.push(offset);
        if self.pending.len() >= PENDING {
            self.flush();
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.min_offset = [self.min_offset, other.min_offset].into_iter().flatten().min();
        self.pending.extend(&other.pending);
        self.latencies.merge(&other.latencies);
    }

    /// The delays.
    pub fn latencies(mut self) -> Latencies {
        self.flush();
        self.latencies
    }

    fn flush(&mut self) {
        let Some(min) = self.min_offset else { return };
        for offset in self.pending.drain(..) {
            self.latencies.record_us(u64::try_from(offset - min).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_relative_to_the_fastest_event() {
        let mut delays = Delays::default();
        for (index, late) in [500, 300, 100, 900, 100].into_iter().enumerate() {
            let stamp = index as u64 * 1000;
            delays.record(stamp, stamp + 1_000_000 + late);
        }
        let found = delays.latencies().percentiles().unwrap();
        assert_eq!((found.p50, found.max), (200, 800));
    }

    #[test]
    fn the_offset_between_clocks_does_not_matter() {
        let mut one = Delays::default();
        one.record(9_000_000, 5);
        let mut two = Delays::default();
        two.record(9_000_000, 45);
        one.merge(&two);
        assert_eq!(one.latencies().percentiles().unwrap().max, 40);
    }
}

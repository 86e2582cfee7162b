use super::latencies::Latencies;

/// How many delays are kept until it is known what they are measured from.
const PENDING: usize = 4096;

/// How long after they were stamped events came, when nobody knows the offset between the clock
/// that stamps and the one that receives.
///
/// The event that came soonest is taken to have taken no time: delays are measured from there. That
/// is exact to the resolution of the stamps, and says nothing about a delay that all have in
/// common.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    floor: Option<i64>,
    pending: Vec<i64>,
    latencies: Latencies,
}

impl Delays {
    /// An event that was stamped `stamp_us` came at `at_us`, each by its own clock.
    pub fn record(&mut self, stamp_us: u64, at_us: u64) {
        let [at, stamp] = [at_us, stamp_us].map(|us| i64::try_from(us).unwrap_or(i64::MAX));
        let offset = at.saturating_sub(stamp);
        self.floor = Some(self.floor.map_or(offset, |floor| floor.min(offset)));
        self.pending.push(offset);
        // The first few would be measured from a floor that is not yet found.
        if self.pending.len() >= PENDING {
            self.settle();
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.floor = [self.floor, other.floor].into_iter().flatten().min();
        self.pending.extend(&other.pending);
        self.latencies.merge(&other.latencies);
    }

    /// The delays.
    pub fn latencies(mut self) -> Latencies {
        self.settle();
        self.latencies
    }

    fn settle(&mut self) {
        let Some(floor) = self.floor else { return };
        for offset in self.pending.drain(..) {
            self.latencies.record_us(u64::try_from(offset - floor).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_measured_from_the_soonest() {
        let mut delays = Delays::default();
        for (index, late) in [500, 300, 100, 900, 100].into_iter().enumerate() {
            let stamp = index as u64 * 1000;
            delays.record(stamp, stamp + 1_000_000 + late);
        }
        let found = delays.latencies().percentiles().unwrap();
        assert_eq!((found.p50, found.max), (200, 800));
    }

    #[test]
    fn a_clock_ahead_of_ours_is_one_like_any_other() {
        let mut one = Delays::default();
        one.record(9_000_000, 5);
        let mut two = Delays::default();
        two.record(9_000_000, 45);
        one.merge(&two);
        assert_eq!(one.latencies().percentiles().unwrap().max, 40);
    }
}

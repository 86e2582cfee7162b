use std::time::Duration;

/// When jobs are to start, if not as soon as there is a place for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrivals {
    /// Jobs per second, in the end.
    pub rate: f64,
    /// How long it takes until the rate is reached. It rises evenly from 0.
    pub ramp: Duration,
}

impl Arrivals {
    /// When the job `index`, the first being 0, is to start, from the beginning of the run.
    ///
    /// While the rate rises, R·t²/2D jobs have started by the time t, and R·D/2 when it has risen;
    /// this is the inverse.
    pub fn offset(&self, index: u64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "2^53 jobs are more than anybody runs")]
        let index = index as f64;
        let ramp = self.ramp.as_secs_f64();
        let during_ramp = self.rate * ramp / 2.0;
        let seconds = if index < during_ramp {
            (2.0 * ramp * index / self.rate).sqrt()
        } else {
            ramp + (index - during_ramp) / self.rate
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(rate: f64, ramp_ms: u64, count: u64) -> Vec<u128> {
        let arrivals = Arrivals { rate, ramp: Duration::from_millis(ramp_ms) };
        (0..count).map(|index| arrivals.offset(index).as_millis()).collect()
    }

    #[test]
    fn jobs_start_at_an_even_rate() {
        assert_eq!(offsets(10.0, 0, 4), [0, 100, 200, 300]);
        assert_eq!(offsets(0.5, 0, 3), [0, 2000, 4000]);
    }

    #[test]
    fn a_ramp_rises_from_nothing() {
        // 100 jobs per second after 2 s: 100 in the ramp, a quarter of them in its first half.
        let offsets = offsets(100.0, 2000, 300);
        assert_eq!((offsets[0], offsets[25], offsets[100], offsets[200]), (0, 1000, 2000, 3000));
        assert!(offsets.is_sorted());
    }
}

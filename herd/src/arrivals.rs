use std::time::Duration;

/// The schedule of a run in which jobs start at a fixed rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrivals {
    /// Jobs per second after the ramp.
    pub rate: f64,
    /// How long the rate rises, linearly from 0.
    pub ramp: Duration,
}

impl Arrivals {
    /// When the job `index`, from 0, is to start, relative to the start of the run.
    ///
    /// During a ramp of length D to the rate R, R·t²/2D jobs start within the time t, and R·D/2 in
    /// all; this is the inverse.
    pub fn offset(&self, index: u64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 jobs")]
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

    /// How many jobs are due within `time`.
    pub fn due_within(&self, time: Duration) -> u64 {
        let ramp = self.ramp.as_secs_f64();
        let during_ramp = time.as_secs_f64().min(ramp);
        let after = (time.as_secs_f64() - ramp).max(0.0);
        let rising = if ramp > 0.0 { during_ramp * during_ramp / (2.0 * ramp) } else { 0.0 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is not negative, and saturates"
        )]
        let due = (self.rate * (rising + after)).ceil() as u64;
        due
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
    fn jobs_start_at_equal_intervals() {
        assert_eq!(offsets(10.0, 0, 4), [0, 100, 200, 300]);
        assert_eq!(offsets(0.5, 0, 3), [0, 2000, 4000]);
    }

    #[test]
    fn counts_jobs_whose_offset_has_passed() {
        for (rate, ramp) in [(10.0, 0), (100.0, 2000), (0.5, 500)] {
            let arrivals = Arrivals { rate, ramp: Duration::from_millis(ramp) };
            for index in [1, 2, 50, 150, 1000] {
                let at = arrivals.offset(index);
                let before = arrivals.due_within(at.mul_f64(0.9999));
                let after = arrivals.due_within(at.mul_f64(1.0001));
                assert!(
                    (index.saturating_sub(1)..=index).contains(&before),
                    "{before} for {index}"
                );
                assert!((index..=index + 1).contains(&after), "{after} for {index}");
            }
        }
    }

    #[test]
    fn a_ramp_rises_linearly_from_zero() {
        // 100 jobs per second after 2 s: 100 in the ramp, a quarter of them in its first half.
        let offsets = offsets(100.0, 2000, 300);
        assert_eq!((offsets[0], offsets[25], offsets[100], offsets[200]), (0, 1000, 2000, 3000));
        assert!(offsets.is_sorted());
    }
}

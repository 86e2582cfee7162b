use std::time::Duration;

use rand::RngExt;

/// The pauses between attempts to connect: exponential, with jitter, so that the clients of a server
/// that restarts do not all reconnect at the same moment.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(250);
    const MAX: Duration = Duration::from_secs(5);

    /// The pause before the next attempt: between half of a bound and the whole bound, which starts at
    /// a quarter of a second and doubles up to five seconds.
    pub fn next_pause(&mut self, random: &mut impl rand::Rng) -> Duration {
        let bound = Self::FIRST.saturating_mul(2_u32.saturating_pow(self.attempts)).min(Self::MAX);
        self.attempts = self.attempts.saturating_add(1);
        bound.mul_f64(random.random_range(0.5..=1.0))
    }

    /// Starts again with the shortest pause, after a successful attempt.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound_and_vary() {
        let mut random = rand::rng();
        let mut backoff = Backoff::default();
        for bound in [250, 500, 1000, 2000, 4000, 5000, 5000] {
            let pause = backoff.next_pause(&mut random).as_millis();
            assert!((bound / 2..=bound).contains(&pause), "{pause} of {bound}");
        }
        backoff.reset();
        assert!(backoff.next_pause(&mut random).as_millis() <= 250);
        let mut first = || Backoff::default().next_pause(&mut random);
        let one = first();
        assert!((0..10).any(|_| first() != one));
    }
}

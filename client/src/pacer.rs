use std::time::Duration;

use tokio::time::Instant;

/// What a server allows that does not say: what servers allow unless told otherwise.
const USUAL_RATE: u32 = 50;

/// By how much more than the server asks for moves are kept apart. Their way through the network
/// is not always equally long, so some arrive closer to each other than they were sent.
const SLACK: f64 = 1.05;

/// Keeps moves as far apart as a server wants them: a number per second, and some at once after a
/// pause.
///
/// The server counts by the generic cell rate algorithm, and so does this, with half of the burst
/// that the server allows: the other half is for moves that were held up on their way.
#[derive(Clone, Debug)]
pub struct Pacer {
    /// What one move costs.
    cost: Duration,
    /// How much may be owed.
    credit: Duration,
    /// When everything is paid.
    paid: Option<Instant>,
}

impl Pacer {
    /// For a server that announces `rate` moves per second; 0 is no limit.
    pub fn new(rate: Option<u32>) -> Self {
        let rate = rate.unwrap_or(USUAL_RATE);
        let cost = match rate {
            0 => Duration::ZERO,
            rate => (Duration::from_secs(1) / rate).mul_f64(SLACK),
        };
        let burst = (rate / 2).max(1);
        Self { cost, credit: cost * (burst - 1), paid: None }
    }

    /// When the next move may be sent; `None` for at once.
    pub fn ready_at(&self) -> Option<Instant> {
        self.paid.and_then(|paid| paid.checked_sub(self.credit))
    }

    /// Counts a move that is sent at `now`.
    pub fn count(&mut self, now: Instant) {
        self.paid = Some(self.paid.map_or(now, |paid| paid.max(now)) + self.cost);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When `count` moves are sent that are all there at once, in milliseconds.
    fn sent(rate: Option<u32>, count: usize) -> Vec<u128> {
        let (mut pacer, start) = (Pacer::new(rate), Instant::now());
        let mut now = start;
        (0..count)
            .map(|_| {
                now = pacer.ready_at().map_or(now, |at| at.max(now));
                pacer.count(now);
                (now - start).as_millis()
            })
            .collect()
    }

    #[test]
    fn some_are_sent_at_once_and_the_others_a_little_slower_than_allowed() {
        let times = sent(Some(10), 25);
        assert!(times[4] == 0 && times[5] > 100, "{times:?}");
        assert!((2000..2400).contains(&times[24]), "{times:?}");
        assert_eq!(sent(None, 3000), sent(Some(50), 3000));
        assert_eq!(sent(Some(0), 3000)[2999], 0);
    }

    proptest! {
        /// The server's own count, with what is under way for up to a quarter of a second.
        #[test]
        fn no_move_comes_too_early_for_the_server(
            rate in 2_u32..200,
            pauses in prop::collection::vec((0_u64..300, 0_u64..250), 1..300),
        ) {
            let (mut pacer, start) = (Pacer::new(Some(rate)), Instant::now());
            let cost = Duration::from_secs(1) / rate;
            let (mut now, mut arrived, mut paid) = (start, start, start);
            for (pause, way) in pauses {
                now += Duration::from_millis(pause);
                now = pacer.ready_at().map_or(now, |at| at.max(now));
                pacer.count(now);
                arrived = arrived.max(now + Duration::from_millis(way));
                let owed = paid.saturating_duration_since(arrived);
                prop_assert!(owed <= cost * (rate - 1), "{owed:?}");
                paid = arrived + owed + cost;
            }
        }
    }
}

use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;
use tribune_protocol::Gcra;

/// The rate to assume if a server announces none: the default of servers.
const DEFAULT_RATE: u32 = 50;

/// How much longer than necessary the interval between moves is. Delays in the network vary, so some
/// moves arrive closer together than they were sent.
const SLACK: f64 = 1.05;

/// Paces moves to the rate that a server accepts: a number per second, and a burst after a pause.
///
/// The server counts in the same way. The client uses half of the burst that the server accepts; the
/// other half is for moves that arrive in a bunch.
#[derive(Clone, Debug)]
pub struct Pacer {
    /// `None` if there is no limit.
    limiter: Option<Gcra>,
}

impl Pacer {
    /// A pacer for a server that announces `rate` moves per second; 0 is no limit.
    pub fn new(rate: Option<u32>) -> Self {
        let rate = NonZeroU32::new(rate.unwrap_or(DEFAULT_RATE));
        let limiter = rate.map(|rate| {
            let interval = (Duration::from_secs(1) / rate.get()).mul_f64(SLACK);
            let burst = NonZeroU32::new(rate.get() / 2).unwrap_or(NonZeroU32::MIN);
            Gcra::new(interval, burst)
        });
        Self { limiter }
    }

    /// When the next move may be sent; `None` for at once.
    pub fn ready_at(&self) -> Option<Instant> {
        self.limiter.as_ref()?.conforms_at().map(Instant::from_std)
    }

    /// Records a move that is sent at `now`.
    pub fn record(&mut self, now: Instant) {
        if let Some(limiter) = &mut self.limiter {
            limiter.record(1, now.into_std());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When `count` moves that are all ready at once are sent, in milliseconds.
    fn sent(rate: Option<u32>, count: usize) -> Vec<u128> {
        let (mut pacer, start) = (Pacer::new(rate), Instant::now());
        let mut now = start;
        (0..count)
            .map(|_| {
                now = pacer.ready_at().map_or(now, |at| at.max(now));
                pacer.record(now);
                (now - start).as_millis()
            })
            .collect()
    }

    #[test]
    fn sends_a_burst_and_then_a_little_slower_than_the_limit() {
        let times = sent(Some(10), 25);
        assert!(times[4] == 0 && times[5] > 100, "{times:?}");
        assert!((2000..2400).contains(&times[24]), "{times:?}");
        assert_eq!(sent(None, 3000), sent(Some(50), 3000));
        assert_eq!(sent(Some(0), 3000)[2999], 0);
    }

    proptest! {
        /// Checks by the server's algorithm, with delays of up to a quarter of a second.
        #[test]
        fn the_server_accepts_every_move(
            rate in 2_u32..200,
            pauses in prop::collection::vec((0_u64..300, 0_u64..250), 1..300),
        ) {
            let (mut pacer, start) = (Pacer::new(Some(rate)), Instant::now());
            let limit = NonZeroU32::new(rate).unwrap();
            let mut server = Gcra::per_second(limit, limit);
            let (mut now, mut arrived) = (start, start);
            for (pause, delay) in pauses {
                now += Duration::from_millis(pause);
                now = pacer.ready_at().map_or(now, |at| at.max(now));
                pacer.record(now);
                arrived = arrived.max(now + Duration::from_millis(delay));
                prop_assert!(server.try_record(arrived.into_std()));
            }
        }
    }
}

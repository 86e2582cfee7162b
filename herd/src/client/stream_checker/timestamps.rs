use tokio::time::Instant;

/// How much later than the time that has passed the next timestamp may be, in milliseconds: the server,
/// or what it sent, may have been stuck in between.
const MAX_LEAP_MS: u64 = 60_000;

/// Filters the timestamps of events: a single wrong one would distort all delays.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timestamps {
    /// The last plausible timestamp, and when it arrived.
    last: Option<(u64, Instant)>,
}

impl Timestamps {
    /// Whether an event that arrived at `now` can have the timestamp `ms`: time does not run
    /// backwards, nor much faster than here.
    pub(super) fn is_plausible(&mut self, ms: u64, now: Instant) -> bool {
        let (before, at) = *self.last.get_or_insert((ms, now));
        let passed = u64::try_from((now - at).as_millis()).unwrap_or(u64::MAX);
        let is_plausible = ms >= before && ms - before <= passed.saturating_mul(2) + MAX_LEAP_MS;
        if is_plausible {
            self.last = Some((ms, now));
        }
        is_plausible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_timestamps_that_run_backwards_or_leap_ahead() {
        let (mut timestamps, now) = (Timestamps::default(), Instant::now());
        let mut is_plausible = |ms| timestamps.is_plausible(ms, now);
        assert!(is_plausible(5000) && is_plausible(5000) && is_plausible(6000));
        assert!(!is_plausible(5999), "it runs backwards");
        assert!(!is_plausible(6001 + MAX_LEAP_MS), "it leaps ahead");
        assert!(is_plausible(7000), "a rejected timestamp has no effect");
    }
}

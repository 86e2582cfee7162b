use std::time::Duration;

use tokio::time::Instant;

/// How often it is said that something has come again.
const PERIOD: Duration = Duration::from_secs(1);

/// Turns many messages of one kind into a few: the first is said at once, and of those that come
/// soon after it only how many there were, once a second.
#[derive(Clone, Debug, Default)]
pub struct Flood {
    said: Option<Said>,
}

/// What was said last.
#[derive(Clone, Debug)]
struct Said {
    kind: String,
    message: String,
    at: Instant,
    /// How many of this kind have come since.
    again: u64,
}

impl Flood {
    /// What is to be said now that `message`, which is of this `kind`, came at `now`.
    pub fn take(&mut self, kind: &str, message: String, now: Instant) -> Vec<String> {
        if let Some(said) = self.said.as_mut().filter(|said| said.kind == kind)
            && (now < said.at + PERIOD || said.again > 0)
        {
            said.again += 1;
            return self.settle_at(now).into_iter().collect();
        }
        let mut say: Vec<String> = self.settle(now).into_iter().collect();
        say.push(message.clone());
        self.said = Some(Said { kind: kind.to_owned(), message, at: now, again: 0 });
        say
    }

    /// When there is something to [settle](Self::settle); `None` if there is nothing.
    pub fn due(&self) -> Option<Instant> {
        self.said.as_ref().filter(|said| said.again > 0).map(|said| said.at + PERIOD)
    }

    /// What is still to be said, if it is time for it.
    pub fn settle_at(&mut self, now: Instant) -> Option<String> {
        self.due().filter(|due| now >= *due).and_then(|_| self.settle(now))
    }

    /// What is still to be said, as nothing more of its kind will come.
    pub fn settle(&mut self, now: Instant) -> Option<String> {
        let said = self.said.as_mut().filter(|said| said.again > 0)?;
        let again = std::mem::take(&mut said.again);
        said.at = now;
        Some(format!("{} (and {again} more like it)", said.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_flood_is_said_once_and_then_counted() {
        let (mut flood, start) = (Flood::default(), Instant::now());
        let mut said = Vec::new();
        for at in 0..2500 {
            said.extend(flood.take("rate", format!("refused {at}"), ms(start, at)));
        }
        said.extend(flood.settle(ms(start, 2500)));
        assert_eq!(
            said,
            [
                "refused 0",
                "refused 0 (and 1000 more like it)",
                "refused 0 (and 1000 more like it)",
                "refused 0 (and 499 more like it)"
            ]
        );
        assert_eq!(flood.due(), None);
    }

    #[test]
    fn what_is_not_the_same_is_said_each_time_and_what_comes_seldom_too() {
        let (mut flood, start) = (Flood::default(), Instant::now());
        let mut take = |kind: &str, at| flood.take(kind, kind.to_owned(), ms(start, at));
        assert_eq!(take("a", 0), ["a"]);
        assert_eq!(take("b", 1), ["b"]);
        assert_eq!(take("b", 2), [""; 0]);
        assert_eq!(take("a", 3), ["b (and 1 more like it)", "a"]);
        assert_eq!(take("a", 5000), ["a"]);
        assert_eq!(flood.due(), None);
    }
}

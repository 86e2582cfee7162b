use std::time::Duration;

use tokio::time::Instant;

/// The interval of summaries.
const PERIOD: Duration = Duration::from_secs(1);

/// Summarizes repeated messages: the first of a kind is printed at once, and of those that follow
/// soon after only their number, once a second.
#[derive(Clone, Debug, Default)]
pub struct RepeatFilter {
    last: Option<LastMessage>,
}

/// The last message that was printed.
#[derive(Clone, Debug)]
struct LastMessage {
    kind: String,
    message: String,
    at: Instant,
    /// How many messages of this kind have followed.
    repeats: u64,
}

impl RepeatFilter {
    /// Adds `message` of this `kind` at `now`. Returns the messages to print.
    pub fn filter(&mut self, kind: &str, message: String, now: Instant) -> Vec<String> {
        if let Some(last) = self.last.as_mut().filter(|last| last.kind == kind)
            && (now < last.at + PERIOD || last.repeats > 0)
        {
            last.repeats += 1;
            return self.take_due_summary(now).into_iter().collect();
        }
        let mut due: Vec<String> = self.take_summary(now).into_iter().collect();
        due.push(message.clone());
        self.last = Some(LastMessage { kind: kind.to_owned(), message, at: now, repeats: 0 });
        due
    }

    /// When a summary is due; `None` if there is nothing to summarize.
    pub fn due(&self) -> Option<Instant> {
        self.last.as_ref().filter(|last| last.repeats > 0).map(|last| last.at + PERIOD)
    }

    /// The summary, if it is due at `now`.
    pub fn take_due_summary(&mut self, now: Instant) -> Option<String> {
        self.due().filter(|due| now >= *due).and_then(|_| self.take_summary(now))
    }

    /// The summary of all messages so far that were not printed, if there are any.
    pub fn take_summary(&mut self, now: Instant) -> Option<String> {
        let last = self.last.as_mut().filter(|last| last.repeats > 0)?;
        let repeats = std::mem::take(&mut last.repeats);
        last.at = now;
        Some(format!("{} (and {repeats} more like it)", last.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_flood_is_printed_once_and_then_counted() {
        let (mut filter, start) = (RepeatFilter::default(), Instant::now());
        let mut printed = Vec::new();
        for at in 0..2500 {
            printed.extend(filter.filter("rate", format!("refused {at}"), ms(start, at)));
        }
        printed.extend(filter.take_summary(ms(start, 2500)));
        assert_eq!(
            printed,
            [
                "refused 0",
                "refused 0 (and 1000 more like it)",
                "refused 0 (and 1000 more like it)",
                "refused 0 (and 499 more like it)"
            ]
        );
        assert_eq!(filter.due(), None);
    }

    #[test]
    fn different_and_infrequent_messages_are_all_printed() {
        let (mut filter, start) = (RepeatFilter::default(), Instant::now());
        let mut take = |kind: &str, at| filter.filter(kind, kind.to_owned(), ms(start, at));
        assert_eq!(take("a", 0), ["a"]);
        assert_eq!(take("b", 1), ["b"]);
        assert_eq!(take("b", 2), [""; 0]);
        assert_eq!(take("a", 3), ["b (and 1 more like it)", "a"]);
        assert_eq!(take("a", 5000), ["a"]);
        assert_eq!(filter.due(), None);
    }
}

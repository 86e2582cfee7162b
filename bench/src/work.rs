//! The work that a system is given: how many subscribers, and how many events per second.

use std::{fmt, num::NonZeroU32, str::FromStr};

use serde::{Deserialize, Serialize};

/// How many events are published, to how many subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Subscribers that read.
    pub subscribers: usize,
    /// Subscribers that never read.
    pub frozen: usize,
    /// Events per second; `None` for the maximum rate.
    pub rate: Option<NonZeroU32>,
    /// For how many seconds events are published.
    pub seconds: u32,
    /// Whether the server's system calls are counted meanwhile, which costs it a little.
    pub counts_calls: bool,
}

impl Work {
    /// What is measured by default.
    pub const DEFAULT: [Self; 6] = [
        Self::new(1000, 0, NonZeroU32::new(100)),
        Self::new(1000, 0, None),
        Self::new(10_000, 0, NonZeroU32::new(10)),
        Self::new(10_000, 0, NonZeroU32::new(100)),
        Self::new(500, 0, NonZeroU32::new(10_000)),
        Self::new(500, 500, NonZeroU32::new(10_000)),
    ];

    const fn new(subscribers: usize, frozen: usize, rate: Option<NonZeroU32>) -> Self {
        Self { subscribers, frozen, rate, seconds: 5, counts_calls: false }
    }

    /// All connections of subscribers.
    pub fn connections(self) -> usize {
        self.subscribers + self.frozen
    }
}

impl FromStr for Work {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text).ok_or_else(|| {
            "expected CLIENTSxEVENTS_PER_SECOND, as in 1000x100, 1000xmax or 500+500x10000".into()
        })
    }
}

fn parse(text: &str) -> Option<Work> {
    let (clients, rate) = text.split_once('x')?;
    let (subscribers, frozen) = clients.split_once('+').unwrap_or((clients, "0"));
    let subscribers = subscribers.parse().ok().filter(|&count| count > 0)?;
    let rate = if rate == "max" { None } else { Some(rate.parse().ok()?) };
    Some(Work::new(subscribers, frozen.parse().ok()?, rate))
}

/// As a heading.
impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} clients", self.subscribers)?;
        if self.frozen > 0 {
            write!(f, " and {} that do not read", self.frozen)?;
        }
        match self.rate {
            Some(rate) => write!(f, ", {rate} events/s"),
            None => f.write_str(", maximum rate"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_clients_and_rate() {
        for (text, name) in [
            ("1000x100", "1000 clients, 100 events/s"),
            ("1000xmax", "1000 clients, maximum rate"),
            ("500+20x10000", "500 clients and 20 that do not read, 10000 events/s"),
        ] {
            assert_eq!(text.parse::<Work>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn rejects_invalid_work() {
        for text in ["", "1000", "x100", "0x100", "1000x0", "1000x-1", "1000xfast", "1+x10"] {
            assert!(text.parse::<Work>().is_err(), "{text}");
        }
    }
}

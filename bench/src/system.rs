//! The systems that are measured, and how clients of each publish and subscribe.

use std::{fmt, str::FromStr};

use crate::mqtt;

/// The size of an event in bytes.
pub const EVENT_SIZE: usize = 100;

/// The last byte of an event, which occurs nowhere else. Where events are lines, it is the newline.
const MARK: u8 = 0x01;

/// The name of the topic, where a system has several.
const TOPIC: &str = "game";

/// A system that broadcasts events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// This project's server.
    Tribune,
    /// A bare loop of non-blocking writes.
    Baseline,
    /// A task for each client, on a broadcast channel.
    TaskPerClient,
    /// NATS, without `JetStream`.
    Nats,
    /// Redis, its publish and subscribe.
    Redis,
    /// Mosquitto: MQTT, at most once.
    Mosquitto,
}

impl System {
    /// All of them, the reference first.
    pub const ALL: [Self; 6] = [
        Self::Baseline,
        Self::Tribune,
        Self::Nats,
        Self::Redis,
        Self::Mosquitto,
        Self::TaskPerClient,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tribune => "tribune",
            Self::Baseline => "baseline",
            Self::TaskPerClient => "task per client",
            Self::Nats => "nats",
            Self::Redis => "redis",
            Self::Mosquitto => "mosquitto",
        }
    }

    /// What a subscriber sends first.
    pub fn subscriber_greeting(self, number: u64) -> Vec<u8> {
        match self {
            Self::Tribune | Self::Baseline | Self::TaskPerClient => Vec::new(),
            Self::Nats => format!("CONNECT {{\"verbose\":false}}\r\nSUB {TOPIC} 1\r\n").into(),
            Self::Redis => format!("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\n{TOPIC}\r\n").into(),
            Self::Mosquitto => {
                [mqtt::connect(&format!("s{number}")), mqtt::subscribe(TOPIC)].concat()
            }
        }
    }

    /// What a publisher sends first.
    pub fn publisher_greeting(self) -> Vec<u8> {
        match self {
            Self::Nats => b"CONNECT {\"verbose\":false}\r\n".into(),
            Self::Mosquitto => mqtt::connect("publisher"),
            _ => Vec::new(),
        }
    }

    /// Appends to `out` the bytes that publish the event `number`.
    pub fn publish(self, number: u64, out: &mut Vec<u8>) {
        match self {
            // A player's name of any length is valid, and this one makes an event of about 100 bytes.
            Self::Tribune => out.extend_from_slice(b"N pub\n"),
            Self::Baseline | Self::TaskPerClient => {
                let mut event = event(number);
                event[EVENT_SIZE - 1] = b'\n';
                out.extend_from_slice(&event);
            }
            Self::Nats => {
                out.extend_from_slice(format!("PUB {TOPIC} {EVENT_SIZE}\r\n").as_bytes());
                out.extend_from_slice(&event(number));
                out.extend_from_slice(b"\r\n");
            }
            Self::Redis => {
                let head = format!("*3\r\n$7\r\nPUBLISH\r\n$4\r\n{TOPIC}\r\n${EVENT_SIZE}\r\n");
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(&event(number));
                out.extend_from_slice(b"\r\n");
            }
            Self::Mosquitto => {
                out.extend_from_slice(&mqtt::publish(TOPIC, &event(number)));
            }
        }
    }

    /// How many lines with a [mark](Self::mark) a subscriber gets before events.
    pub fn lines_before_events(self) -> usize {
        // Welcome and snapshot.
        if self == Self::Tribune { 2 } else { 0 }
    }

    /// The byte that occurs exactly once in each event.
    pub fn mark(self) -> u8 {
        match self {
            Self::Tribune | Self::Baseline | Self::TaskPerClient => b'\n',
            Self::Nats | Self::Redis | Self::Mosquitto => MARK,
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn event(number: u64) -> Vec<u8> {
    let mut event = format!("{number:020} ").into_bytes();
    event.resize(EVENT_SIZE - 1, b'x');
    event.push(MARK);
    event
}

impl FromStr for System {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What the baseline was called before.
        let name = if text == "floor" { "baseline" } else { text };
        Self::ALL.into_iter().find(|system| system.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            format!("unknown system {text:?}: expected one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_names_of_systems() {
        for system in System::ALL {
            assert_eq!(system.name().parse(), Ok(system));
        }
        assert_eq!("floor".parse(), Ok(System::Baseline));
        let error = "rabbit".parse::<System>().unwrap_err();
        assert!(
            error.starts_with("unknown system \"rabbit\": expected one of baseline, "),
            "{error}"
        );
    }

    #[test]
    fn each_published_event_has_its_mark_once() {
        for system in System::ALL {
            let mut bytes = Vec::new();
            system.publish(7, &mut bytes);
            let marks = bytes.iter().filter(|&&byte| byte == system.mark()).count();
            assert_eq!(marks, 1, "{system}");
        }
    }
}

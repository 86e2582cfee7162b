//! The systems that are measured, and what one says to each to publish and to subscribe.

use std::fmt;

/// The bytes of an event.
pub const EVENT_SIZE: usize = 100;

/// What an event ends with, and has nowhere else, in every system but ours, where it is a line.
const MARK: u8 = 0x01;

/// The name of the channel, where there are several.
const TOPIC: &str = "game";

/// A system that brings events to many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// This project's server.
    Tribune,
    /// A bare loop.
    Floor,
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
    pub const ALL: [Self; 6] =
        [Self::Floor, Self::Tribune, Self::Nats, Self::Redis, Self::Mosquitto, Self::TaskPerClient];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tribune => "tribune",
            Self::Floor => "floor",
            Self::TaskPerClient => "task per client",
            Self::Nats => "nats",
            Self::Redis => "redis",
            Self::Mosquitto => "mosquitto",
        }
    }

    /// What a subscriber says first.
    pub fn subscribe(self, number: u64) -> Vec<u8> {
        match self {
            Self::Tribune | Self::Floor | Self::TaskPerClient => Vec::new(),
            Self::Nats => format!("CONNECT {{\"verbose\":false}}\r\nSUB {TOPIC} 1\r\n").into(),
            Self::Redis => format!("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\n{TOPIC}\r\n").into(),
            Self::Mosquitto => [
                mqtt_connect(&format!("s{number}")),
                // Packet 1 asks for the topic at most once.
                mqtt(0x82, &[&[0, 1], &mqtt_text(TOPIC)[..], &[0]].concat()),
            ]
            .concat(),
        }
    }

    /// What a publisher says first.
    pub fn introduce(self) -> Vec<u8> {
        match self {
            Self::Nats => b"CONNECT {\"verbose\":false}\r\n".into(),
            Self::Mosquitto => mqtt_connect("publisher"),
            _ => Vec::new(),
        }
    }

    /// Appends to `out` what publishes the event `number`.
    pub fn publish(self, number: u64, out: &mut Vec<u8>) {
        match self {
            // Players' names may be as long as it takes for the event to have its size.
            Self::Tribune => out.extend_from_slice(b"N pub\n"),
            Self::Floor | Self::TaskPerClient => {
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
                let body = [&mqtt_text(TOPIC)[..], &event(number)].concat();
                out.extend_from_slice(&mqtt(0x30, &body));
            }
        }
    }

    /// The byte that each event has once.
    pub fn mark(self) -> u8 {
        match self {
            Self::Tribune | Self::Floor | Self::TaskPerClient => b'\n',
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

fn mqtt_connect(name: &str) -> Vec<u8> {
    // Version 3.1.1, a clean session, and no keep-alive.
    let body = [&mqtt_text("MQTT")[..], &[4, 2, 0, 0], &mqtt_text(name)].concat();
    mqtt(0x10, &body)
}

/// A packet of less than 16 KiB.
fn mqtt(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut length = body.len();
    while length > 127 {
        packet.push(u8::try_from(length % 128).unwrap_or(0) | 0x80);
        length /= 128;
    }
    packet.push(u8::try_from(length).unwrap_or(0));
    packet.extend_from_slice(body);
    packet
}

fn mqtt_text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(0).to_be_bytes();
    [&length[..], text.as_bytes()].concat()
}

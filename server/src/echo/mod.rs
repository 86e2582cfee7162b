//! The echo service: what is sent to it comes back, a while later.

mod conversation;
mod service;

pub use self::service::run_echo;

use std::{net::SocketAddr, time::Duration};

/// How messages are to be sent back.
#[derive(Clone, Debug)]
pub struct EchoSettings {
    /// Where to listen. A port of 0 is one that the system chooses.
    pub listen: Vec<SocketAddr>,
    /// Clients at a time.
    pub max_clients: usize,
    /// How each of them is treated.
    pub manner: Manner,
}

/// How one client is treated.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// From a message to the answer.
    pub delay: Duration,
    /// How long a client may say nothing, or not take what is sent to it.
    pub patience: Duration,
    /// Whether messages are sent back until the client closes, rather than only the first.
    pub stream: bool,
}

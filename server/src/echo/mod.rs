//! The echo service: sends back what it receives, after a delay.

mod exchange;
mod service;

pub use self::service::EchoServer;

use std::time::Duration;

/// The settings of the echo service.
#[derive(Clone, Debug)]
pub struct EchoSettings {
    /// The most clients at a time.
    pub max_clients: usize,
    /// What each of them gets.
    pub config: EchoConfig,
}

/// The settings of one connection.
#[derive(Clone, Copy, Debug)]
pub struct EchoConfig {
    /// The time from a message to its answer.
    pub delay: Duration,
    /// How long a client may send nothing, or not read its answer.
    pub idle_timeout: Duration,
    /// Whether messages are sent back until the client closes, rather than only the first.
    pub stream: bool,
}

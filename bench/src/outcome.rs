//! What the load reports of one run.

use serde::{Deserialize, Serialize};

/// What was measured in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Events that were published.
    pub events: u64,
    /// Events that all subscribers got together.
    pub deliveries: u64,
    /// From the first event to the last delivery.
    pub seconds: f64,
    /// Processor seconds of the server meanwhile.
    pub processor_seconds: f64,
    /// Median time from the publisher's send to a subscriber's read, in microseconds.
    pub p50_us: u64,
    /// The 99th percentile of the same.
    pub p99_us: u64,
    /// The 99.9th percentile of the same.
    pub p999_us: u64,
    /// Connections per second, each until it was subscribed.
    pub connects_per_second: f64,
    /// Memory of the server before any client connected, in bytes.
    pub memory_before: u64,
    /// Memory of the server when all were connected, in bytes.
    pub memory_connected: u64,
    /// Maximum memory of all sockets of the system during the run, both ends, in bytes.
    pub tcp_memory_max: u64,
    /// System calls of the server per delivery, if they were counted.
    pub calls_per_delivery: Option<f64>,
}

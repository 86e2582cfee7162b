//! What is measured: the name, unit and precision of each figure.

use crate::spread::Spread;

/// What was measured in one round of one system.
pub type Sample = Vec<(Metric, f64)>;

/// A figure. Columns of a table are in the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Deliveries per second.
    Deliveries,
    /// Processor time of the server per delivery.
    CpuPerDelivery,
    /// System calls of the server per delivery.
    CallsPerDelivery,
    /// Median latency.
    P50,
    /// 99 % of all deliveries took no longer.
    P99,
    /// 99.9 % of all deliveries took no longer.
    P999,
    /// Memory of the server per connection.
    MemoryPerConnection,
    /// Maximum memory of all TCP sockets of the system, both ends.
    TcpMemory,
    /// Connections per second, each until it is subscribed.
    Connects,
    /// Memory of the server per idle client.
    MemoryPerIdleClient,
    /// Moves per second of one publisher, without subscribers.
    Moves,
    /// Processor time of the server per client that joins.
    CpuPerJoin,
    /// Time until all clients have joined.
    JoinTime,
    /// Time until all clients have reconnected and resumed.
    ReconnectTime,
    /// Maximum number of snapshots that one client got when it reconnected.
    Snapshots,
    /// Memory of the server before the silent clients join.
    MemoryBefore,
    /// Maximum memory of the server while they join.
    MemoryMax,
    /// Memory of the server after all clients have left.
    MemoryAfter,
    /// Size of the past events that one client got.
    PastSize,
    /// Time in which it got them.
    PastTime,
    /// Turns per second of a game in lockstep.
    Turns,
}

impl Metric {
    /// What a column or an axis is called, with the unit.
    pub fn heading(self) -> &'static str {
        self.heading_and_max_decimals().0
    }

    /// `spread` as tables and the plot print it.
    pub fn text(self, spread: Spread) -> String {
        let max_decimals = self.heading_and_max_decimals().1;
        if self.is_compared() {
            spread.text(max_decimals)
        } else {
            spread.median_text(max_decimals)
        }
    }

    /// Whether this is one of the figures that decide, which are shown with their spread and as a
    /// multiple of the reference. The others explain them.
    pub fn is_compared(self) -> bool {
        !matches!(
            self,
            Self::Deliveries
                | Self::CallsPerDelivery
                | Self::P50
                | Self::P999
                | Self::MemoryPerConnection
                | Self::TcpMemory
                | Self::Connects
                | Self::Snapshots
                | Self::MemoryBefore
                | Self::PastSize
        )
    }

    fn heading_and_max_decimals(self) -> (&'static str, usize) {
        match self {
            Self::Deliveries => ("deliveries/s", 0),
            Self::CpuPerDelivery => ("CPU per delivery (µs)", 3),
            Self::CallsPerDelivery => ("system calls per delivery", 3),
            Self::P50 => ("p50 latency (ms)", 2),
            Self::P99 => ("p99 latency (ms)", 2),
            Self::P999 => ("p99.9 latency (ms)", 2),
            Self::MemoryPerConnection => ("memory per connection (bytes)", 0),
            Self::TcpMemory => ("TCP memory (MB)", 1),
            Self::Connects => ("connects/s", 0),
            Self::MemoryPerIdleClient => ("memory per idle client (bytes)", 0),
            Self::Moves => ("moves/s", 0),
            Self::CpuPerJoin => ("CPU per join (µs)", 1),
            Self::JoinTime => ("all joined after (s)", 2),
            Self::ReconnectTime => ("all resumed after (s)", 2),
            Self::Snapshots => ("maximum snapshots per client", 0),
            Self::MemoryBefore => ("memory with 10,000 players (MiB)", 1),
            Self::MemoryMax => ("maximum with silent clients (MiB)", 1),
            Self::MemoryAfter => ("after all have left (MiB)", 1),
            Self::PastSize => ("past events (MB)", 1),
            Self::PastTime => ("received after (ms)", 1),
            Self::Turns => ("turns/s", 0),
        }
    }
}

/// A count as a real number. It is shown to a few digits, so rounding above 2⁵³ does not show.
#[expect(clippy::cast_precision_loss, reason = "it is shown to a few digits")]
pub fn real(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

/// Microseconds as milliseconds.
pub fn milliseconds(microseconds: u64) -> f64 {
    real(microseconds) / 1e3
}

use std::ops::AddAssign;

use serde::Serialize;

/// Counts of the events and echoes that clients should receive.
///
/// A missing event counts as lost until it arrives late. So a single update can be negative, but never
/// a total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events that should arrive: received + lost + skipped, and those replaced by a malformed line.
    pub expected: i64,
    /// Events that arrived, each counted once, including late ones.
    pub received: i64,
    /// Events that never arrived.
    pub lost: i64,
    /// Events that arrived again.
    pub duplicated: i64,
    /// Events that arrived after later ones.
    pub out_of_order: i64,
    /// Lines that violate the protocol.
    pub malformed: i64,
    /// Events that the server skipped, and announced so with a `resync` line.
    pub skipped_notified: i64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.malformed += other.malformed;
        self.skipped_notified += other.skipped_notified;
    }
}

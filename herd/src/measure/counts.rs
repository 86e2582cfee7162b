use std::ops::AddAssign;

use serde::Serialize;

/// What became of the events that members should have got.
///
/// An event that is missing counts as lost until it comes. So what is added can be negative for a
/// while, but never the sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events that should have come: received + lost + told, and those of which a malformed line
    /// came instead.
    pub expected: i64,
    /// Events that came, late ones too, each once.
    pub received: i64,
    /// Events that never came.
    pub lost: i64,
    /// Events that came again.
    pub duplicated: i64,
    /// Events that came after later ones.
    pub out_of_order: i64,
    /// Lines that are not what they should be.
    pub malformed: i64,
    /// Events that the server skipped, and said so.
    pub told: i64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.out_of_order += other.out_of_order;
        self.malformed += other.malformed;
        self.told += other.told;
    }
}

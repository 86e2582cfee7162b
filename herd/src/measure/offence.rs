use std::fmt;

/// Something that a member's stream should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// The events from the first to the second never came.
    Lost(u64, u64),
    /// The end of the stream after this event never came.
    LostEnd(u64),
    /// This event came again.
    Duplicated(u64),
    /// This event came after a later one.
    OutOfOrder(u64),
    /// After this event came a line that is none.
    Malformed(u64),
    /// This event is another than with other members.
    Different(u64),
    /// A `resync` after this event counted wrongly.
    WrongResync(u64),
    /// A move of its own never came back.
    MoveLost,
    /// A move of its own came back again.
    MoveAgain,
    /// A move of its own came back instead of an earlier one.
    MoveOutOfOrder,
    /// Nothing was echoed.
    NoEcho,
    /// Something else was echoed.
    WrongEcho,
    /// More was echoed than was sent.
    EchoAgain,
    /// The message of another member was echoed.
    EchoOfAnother,
}

impl Offence {
    /// Whether a network that is slow or broken can be the reason, too.
    pub fn may_be_the_network(self) -> bool {
        matches!(self, Self::LostEnd(_) | Self::MoveLost | Self::NoEcho)
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(first, last) if first == last => write!(f, "lost event {first}"),
            Self::Lost(first, last) => write!(f, "lost events {first} to {last}"),
            Self::LostEnd(last) => write!(f, "lost the end of the stream after event {last}"),
            Self::Duplicated(seq) => write!(f, "got event {seq} again"),
            Self::OutOfOrder(seq) => write!(f, "got event {seq} after a later one"),
            Self::Malformed(last) => write!(f, "got a malformed line after event {last}"),
            Self::Different(seq) => write!(f, "got another event {seq} than other members"),
            Self::WrongResync(last) => {
                write!(f, "got a resync after event {last} that counts wrongly")
            }
            Self::MoveLost => write!(f, "never got back a move of its own"),
            Self::MoveAgain => write!(f, "got back a move of its own again"),
            Self::MoveOutOfOrder => write!(f, "got back a move of its own before an earlier one"),
            Self::NoEcho => write!(f, "got no echo"),
            Self::WrongEcho => write!(f, "got something else than what it had sent"),
            Self::EchoAgain => write!(f, "got more than what it had sent"),
            Self::EchoOfAnother => write!(f, "got the echo of another member"),
        }
    }
}

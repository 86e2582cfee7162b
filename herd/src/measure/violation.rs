use std::fmt;

/// A violation of the protocol that a client observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// These events, from the first to the last, never arrived.
    Lost(u64, u64),
    /// The stream ended after this event.
    LostEnd(u64),
    /// This event arrived again.
    Duplicated(u64),
    /// This event arrived after a later one.
    OutOfOrder(u64),
    /// A line after this event is invalid.
    Malformed(u64),
    /// This event is different from what most clients received.
    Different(u64),
    /// A `resync` after this event has the wrong number of missed events.
    WrongResync(u64),
    /// A state of this event does not agree with the events.
    WrongState(u64),
    /// This event contradicts the state that the events before it lead to.
    Contradiction(u64),
    /// A move of this client never returned.
    MoveLost,
    /// A move of this client returned again.
    MoveAgain,
    /// A move of this client returned before an earlier one.
    MoveOutOfOrder,
    /// There was no echo.
    NoEcho,
    /// The echo was different.
    WrongEcho,
    /// The echo was longer than the message.
    EchoAgain,
    /// The echo was that of another client.
    EchoOfAnother,
}

impl Violation {
    /// Whether a slow or broken network can be the cause.
    pub fn may_be_the_network(self) -> bool {
        matches!(self, Self::LostEnd(_) | Self::MoveLost | Self::NoEcho)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(first, last) if first == last => write!(f, "lost event {first}"),
            Self::Lost(first, last) => write!(f, "lost events {first} to {last}"),
            Self::LostEnd(last) => write!(f, "lost the end of the stream after event {last}"),
            Self::Duplicated(seq) => write!(f, "received event {seq} again"),
            Self::OutOfOrder(seq) => write!(f, "received event {seq} after a later one"),
            Self::Malformed(last) => write!(f, "received a malformed line after event {last}"),
            Self::Different(seq) => write!(f, "received a different event {seq} than most clients"),
            Self::WrongResync(last) => {
                write!(f, "received a resync after event {last} with a wrong count")
            }
            Self::WrongState(seq) => {
                write!(f, "received a state after event {seq} that does not agree with the events")
            }
            Self::Contradiction(seq) => {
                write!(f, "received event {seq}, which contradicts the state before it")
            }
            Self::MoveLost => write!(f, "lost a move of its own"),
            Self::MoveAgain => write!(f, "received a move of its own again"),
            Self::MoveOutOfOrder => write!(f, "received a move of its own before an earlier one"),
            Self::NoEcho => write!(f, "received no echo"),
            Self::WrongEcho => write!(f, "received a different echo"),
            Self::EchoAgain => write!(f, "received more than it had sent"),
            Self::EchoOfAnother => write!(f, "received the echo of another client"),
        }
    }
}

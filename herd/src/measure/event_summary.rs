use tribune_protocol::{Direction, Event, EventKind};

/// What the checks need to know about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSummary {
    /// Its number.
    pub seq: u64,
    /// The server's timestamp.
    pub ms: u64,
    /// What happened.
    pub kind: SummaryKind,
}

/// What happened, as far as the checks need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryKind {
    /// A tick of the clock, with its number.
    Clock(u64),
    /// A move from a connection, with the id of the connection.
    Move(u64, Direction),
    /// The end of the game.
    Bye,
    /// Anything else.
    Other,
}

impl From<&Event> for EventSummary {
    fn from(event: &Event) -> Self {
        let kind = match &event.kind {
            EventKind::Clock { clock } => SummaryKind::Clock(*clock),
            EventKind::Move { from, direction, .. } => match from.connection_id() {
                Some(id) => SummaryKind::Move(id.0, *direction),
                None => SummaryKind::Other,
            },
            EventKind::Bye { .. } => SummaryKind::Bye,
            _ => SummaryKind::Other,
        };
        Self { seq: event.seq.0, ms: event.ms, kind }
    }
}

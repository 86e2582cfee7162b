use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tribune_protocol::{Move, ServerLine};

/// What there is to show.
#[derive(Debug)]
pub enum Update {
    /// A line of the server.
    Line {
        /// Its bytes, without its end.
        raw: Bytes,
        /// What it says.
        line: ServerLine,
        /// The room that it takes until it is shown.
        #[expect(dead_code, reason = "it is given back when this is dropped")]
        room: Option<OwnedSemaphorePermit>,
    },
    /// The connection is lost, and there is a pause before the next attempt.
    Lost {
        /// Why.
        reason: String,
        /// How long.
        pause: Duration,
    },
    /// The events after the last that was shown follow.
    Resumed,
    /// So many events before the next were missed: the game ended before they came.
    Missed(u64),
    /// There is no connection, so this was not sent.
    NotSent(Move),
    /// The server does not take moves as fast as they were made, so this was not sent.
    LeftOut(Move),
    /// The connection was lost before so many moves were answered.
    Unanswered(u64),
}

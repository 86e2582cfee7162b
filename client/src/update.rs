use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tribune_protocol::{ApplyError, PlayerAction, Seq, ServerLine};

/// Something to show.
#[derive(Debug)]
pub enum Update {
    /// A line of the server.
    Line {
        /// Its bytes, without its end.
        raw: Bytes,
        /// Its content.
        line: ServerLine,
        /// Its share of the buffer, until it is shown.
        #[expect(dead_code, reason = "it is returned when this is dropped")]
        room: Option<OwnedSemaphorePermit>,
    },
    /// The connection was lost, and there is a pause before the next attempt.
    Lost {
        /// The reason.
        reason: String,
        /// The pause.
        pause: Duration,
    },
    /// The stream was resumed: the events after the last one shown follow.
    Resumed,
    /// This many events before the next one were missed: the game ended before they arrived.
    Missed(u64),
    /// The event in the next line contradicts the state of the game.
    Contradiction {
        /// The event.
        seq: Seq,
        /// How it does.
        contradiction: ApplyError,
    },
    /// This action was not sent, as there is no connection.
    NotConnected(PlayerAction),
    /// This action was not sent, as actions come faster than the server accepts.
    Dropped(PlayerAction),
    /// The connection was lost before this many actions were confirmed.
    Unanswered(u64),
}

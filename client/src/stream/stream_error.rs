use std::io;

use thiserror::Error;
use tribune_protocol::{ClosingCode, FirstLineError, UnreadableLine};

use crate::track_error::TrackError;

/// Why a stream ended before the game did.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The connection failed.
    #[error("no server at {server}: {reason}")]
    NoServer {
        /// The address.
        server: String,
        /// The error of the system.
        reason: io::Error,
    },
    /// The connection was lost.
    #[error("the connection to the server is lost: {0}")]
    Lost(#[from] io::Error),
    /// The server closed the connection, or the stream is incorrect.
    #[error(transparent)]
    Track(#[from] TrackError),
    /// The server sent a line that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] UnreadableLine),
    /// The first line is not the welcome of a server of this version.
    #[error(transparent)]
    FirstLine(#[from] FirstLineError),
    /// There was no first line.
    #[error("{0}: it may not be a Tribune server")]
    NoWelcome(String),
    /// The game ended before all moves were sent.
    #[error("the game ended before all moves were made")]
    CutShort,
    /// All moves were sent, but the connection was lost before the server confirmed them.
    #[error("{reason}; {count} moves were not confirmed, and may not have reached the server")]
    Unanswered {
        /// How many moves.
        count: u64,
        /// Why the connection was lost.
        reason: Box<StreamError>,
    },
}

impl StreamError {
    /// Whether there is no Tribune server at that address.
    pub fn is_no_server(&self) -> bool {
        matches!(
            self,
            Self::NoServer { .. }
                | Self::Unreadable(_)
                | Self::Track(TrackError::NoWelcome)
                | Self::FirstLine(FirstLineError::Unexpected(_))
                | Self::NoWelcome(_)
        )
    }

    /// Whether the server has its maximum number of clients.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Track(TrackError::Closing { code: ClosingCode::ServerFull, .. }))
    }

    /// Whether another connection may succeed.
    pub(super) fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::NoServer { .. }
            | Self::Lost(_)
            | Self::Unreadable(_)
            | Self::NoWelcome(_)
            | Self::FirstLine(FirstLineError::Unexpected(_)) => true,
            Self::Track(error) => error.is_worth_a_retry(),
            Self::FirstLine(FirstLineError::Version(_))
            | Self::CutShort
            | Self::Unanswered { .. } => false,
        }
    }
}

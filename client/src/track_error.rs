use thiserror::Error;
use tribune_protocol::{ClosingCode, Seq};

/// Why a server cannot be followed on this connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrackError {
    /// The server closes the connection.
    #[error("the server closes the connection: {message}")]
    Closing {
        /// The reason, for programs.
        code: ClosingCode,
        /// The reason, for people.
        message: String,
    },
    /// Events are missing.
    #[error("the server sent event {got}, expected event {expected}")]
    Gap {
        /// The event that arrived.
        got: Seq,
        /// The event that was due.
        expected: Seq,
    },
    /// The server refused to resume the stream.
    #[error("the server refused to resume the stream: {0}")]
    NotResumed(String),
    /// It is not a server of this protocol.
    #[error("not a Tribune server: its first line is not a welcome")]
    NoWelcome,
}

impl TrackError {
    /// Whether another connection may succeed.
    pub fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Closing { code, .. } => match code {
                ClosingCode::ServerFull | ClosingCode::SlowClient => true,
                ClosingCode::TooManyErrors
                | ClosingCode::ShuttingDown
                | ClosingCode::WrongPort
                | ClosingCode::Unknown => false,
            },
            Self::Gap { .. } | Self::NotResumed(_) => true,
            Self::NoWelcome => false,
        }
    }
}

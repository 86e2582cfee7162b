use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{GameId, Origin, PingId, Seq, State};

/// A line for one client alone, which is not part of the stream of events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ControlMessage {
    /// The first line.
    Welcome(Welcome),
    /// The whole state of the game; the events after its `seq` follow.
    State(State),
    /// A line of the client was refused. The connection stays open.
    Error {
        /// The code, for programs.
        code: ErrorCode,
        /// What is wrong and what is expected, for people.
        message: String,
    },
    /// The reply to `ping`.
    Pong {
        /// The id of the ping.
        id: PingId,
    },
    /// The reply to `resume`: the events after `after` follow.
    Resumed {
        /// The last event that the client has received.
        after: Seq,
    },
    /// Events were skipped, as the log no longer has them. A `state` line follows.
    Resync {
        /// How many events.
        missed: u64,
        /// The `seq` of the state that follows.
        seq: Seq,
    },
    /// The server is about to close this connection.
    Closing {
        /// The reason, for programs.
        code: ClosingCode,
        /// The reason, for people.
        message: String,
    },
    /// A line of a type that this version does not know, or an event.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// The server and the connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the protocol.
    pub protocol: u32,
    /// Identifies this run of the game.
    pub game: GameId,
    /// The version of the server.
    pub server: String,
    /// The rules of the game: `walk`, `snake`, or the name that a referee gave itself. `None` if the
    /// server is older than these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// The origin of this client's moves.
    pub you: Origin,
    /// The last event that the following state includes.
    pub seq: Seq,
    /// The oldest event that can be resumed.
    pub oldest: Seq,
    /// The interval of the clock, in milliseconds.
    pub tick_ms: u64,
    /// How many moves per second the server accepts, and in a burst after a pause; 0 for no limit,
    /// `None` if the server does not announce one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub move_rate: Option<u32>,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
            /// A code that this version does not know. It is never sent.
            #[serde(other, skip_serializing)]
            Unknown,
        }

        impl $name {
            /// All codes that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown => "unknown",
                })
            }
        }
    };
}

codes! {
    /// Why a line of a client was refused.
    ErrorCode {
        /// It is neither a move nor a command.
        BadLine = "bad_line",
        /// The name of a move is invalid.
        BadName = "bad_name",
        /// The direction of a move is invalid.
        BadDirection = "bad_direction",
        /// It is too long; the rest of it is skipped.
        LineTooLong = "line_too_long",
        /// It is not UTF-8.
        NotUtf8 = "not_utf8",
        /// It is a direction without a name, and this connection has not made a move yet.
        NoNameYet = "no_name_yet",
        /// This connection has its maximum number of players.
        TooManyPlayers = "too_many_players",
        /// This connection exceeds its rate of moves.
        RateLimited = "rate_limited",
        /// It resumes another game.
        UnknownGame = "unknown_game",
        /// The action of a player is not one of the game, or not possible now.
        BadAction = "bad_action",
        /// It is an object of an unknown `type`.
        UnknownCommand = "unknown_command",
    }
}

codes! {
    /// Why the server closes a connection.
    ClosingCode {
        /// It has its maximum number of clients.
        ServerFull = "server_full",
        /// Too many lines of this client were refused.
        TooManyErrors = "too_many_errors",
        /// This client has not read for too long.
        SlowClient = "slow_client",
        /// The server ends, and this client did not reach the end of the stream in time.
        ShuttingDown = "shutting_down",
        /// The client speaks HTTP or TLS, and this port is for the lines of the game.
        WrongPort = "wrong_port",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> ControlMessage {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn codes_of_later_versions_are_unknown() {
        let error = parse(r#"{"type":"error","code":"token_required","message":"m"}"#);
        let ControlMessage::Error { code, message } = error else { panic!("{error:?}") };
        assert_eq!(
            (code, code.to_string(), message),
            (ErrorCode::Unknown, "unknown".into(), "m".into())
        );
        let closing = parse(r#"{"type":"closing","code":"unauthorized","message":"m"}"#);
        let ControlMessage::Closing { code, .. } = closing else { panic!("{closing:?}") };
        assert_eq!((code, code.to_string()), (ClosingCode::Unknown, "unknown".into()));
    }

    #[test]
    fn known_codes_round_trip() {
        for code in ErrorCode::ALL {
            let text = serde_json::to_string(code).unwrap();
            assert_eq!(text, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<ErrorCode>(&text).unwrap(), *code);
        }
        for code in ClosingCode::ALL {
            let text = serde_json::to_string(code).unwrap();
            assert_eq!(text, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<ClosingCode>(&text).unwrap(), *code);
        }
    }
}

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{GameId, Origin, PingId, Seq, State};

/// A line meant for one client alone. It has no place in the stream of events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ControlMessage {
    /// The first line a client gets.
    Welcome(Welcome),
    /// The whole state of the game; the events after its `seq` follow.
    State(State),
    /// A line of the client was refused. The connection stays.
    Error {
        /// What was wrong, for programs.
        code: ErrorCode,
        /// What was wrong and what would be right, for people.
        message: String,
    },
    /// The answer to `ping`.
    Pong {
        /// What the ping carried.
        id: PingId,
    },
    /// The answer to `resume`: the next event is the one after this.
    Resumed {
        /// The last event that the client said it has.
        after: Seq,
    },
    /// Events were skipped because the log no longer holds them. A `state` line follows.
    Resync {
        /// How many.
        missed: u64,
        /// The `seq` of the state that follows.
        seq: Seq,
    },
    /// The server is about to close this connection.
    Closing {
        /// Why, for programs.
        code: ClosingCode,
        /// Why, for people.
        message: String,
    },
    /// A line of a type that this version does not know, or an event.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// Who a client talks to, and what it can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the wire.
    pub protocol: u32,
    /// Names this run of the game.
    pub game: GameId,
    /// The version of the server.
    pub server: String,
    /// What this client is as an origin of moves.
    pub you: Origin,
    /// The last event that the state below includes.
    pub seq: Seq,
    /// The oldest event that `resume` can still reach.
    pub oldest: Seq,
    /// Milliseconds from tick to tick.
    pub tick_ms: u64,
    /// How many moves per second this client may make, and as many at once after a pause; 0 for as
    /// many as it likes, `None` if the server does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub move_rate: Option<u32>,
}

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)* }

        impl $name {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)* })
            }
        }
    };
}

codes! {
    /// Why a line of a client was refused.
    ErrorCode {
        /// It is neither a move nor a command.
        BadLine = "bad_line",
        /// The name of a move is none.
        BadName = "bad_name",
        /// The direction of a move is none.
        BadDirection = "bad_direction",
        /// It is longer than a line may be; its rest is skipped.
        LineTooLong = "line_too_long",
        /// It is not UTF-8.
        NotUtf8 = "not_utf8",
        /// It is a direction alone, and this connection has not moved anyone yet.
        NoNameYet = "no_name_yet",
        /// This connection carries as many players as it may.
        TooManyPlayers = "too_many_players",
        /// This connection moves more often than it may.
        RateLimited = "rate_limited",
        /// The game to resume is another one.
        UnknownGame = "unknown_game",
        /// It is an object whose `type` is no command.
        UnknownCommand = "unknown_command",
    }
}

codes! {
    /// Why the server closes a connection.
    ClosingCode {
        /// It has as many clients as it may have.
        ServerFull = "server_full",
        /// This client sent too many lines that were refused.
        TooManyErrors = "too_many_errors",
        /// This client did not read for too long.
        SlowClient = "slow_client",
        /// The server ends, and could not bring this client to the end of the stream in time.
        ShuttingDown = "shutting_down",
    }
}

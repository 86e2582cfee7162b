use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The number after this one. It saturates: no counter gets that far, but a peer may send
            /// the greatest number.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// The place of an event in the stream: the first is 1, and there are no gaps.
    Seq
}
number! {
    /// Identifies a player within a game, whatever its name is.
    PlayerId
}
number! {
    /// Identifies a player program that the server runs: the first to start is 1.
    WorkerId
}
number! {
    /// Identifies a connection to the server, whatever its transport: the first is 1.
    ConnectionId
}

impl Seq {
    /// Whether this is the number after `earlier`. None is after the greatest one.
    pub fn follows(self, earlier: Self) -> bool {
        earlier.0.checked_add(1) == Some(self.0)
    }

    /// How many events there are after `earlier` up to this one; 0 if it is not earlier.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Names one run of a game, so that a client that reconnects knows whether it is still the same run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GameId(pub String);

impl fmt::Display for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

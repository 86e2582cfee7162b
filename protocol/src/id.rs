use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this. There is none after the greatest number, which nothing reaches
            /// but what somebody else may say.
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
    /// Identifies a TCP connection to the server: the first is 1.
    ConnectionId
}

impl Seq {
    /// How many events there are after `earlier` up to this one; 0 if it is not earlier.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Names one run of a game, so that a client that comes back knows whether it is still the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GameId(pub String);

impl fmt::Display for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where moves come from. With a [`Name`](crate::Name) it is the identity of a player: nobody can
/// move a player of another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A player program that the server runs, written `ps#1`.
    Program(WorkerId),
    /// A TCP connection, written `tcp#7`.
    Connection(ConnectionId),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(id) => write!(f, "ps#{id}"),
            Self::Connection(id) => write!(f, "tcp#{id}"),
        }
    }
}

impl std::str::FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |digits: &str| digits.parse().ok();
        let origin = match text.split_once('#') {
            Some(("ps", id)) => read(id).map(WorkerId).map(Self::Program),
            Some(("tcp", id)) => read(id).map(ConnectionId).map(Self::Connection),
            _ => None,
        };
        origin.ok_or_else(|| format!("{text:?} is no origin: one is written ps#1 or tcp#7"))
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_back_from_what_it_prints() {
        for origin in [Origin::Program(WorkerId(1)), Origin::Connection(ConnectionId(70_000))] {
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in ["", "ps", "ps#", "ps#x", "udp#1", "tcp#-1"] {
            assert!(text.parse::<Origin>().is_err(), "{text:?}");
        }
    }
}

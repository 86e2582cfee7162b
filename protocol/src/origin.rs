use std::{borrow::Cow, fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{ConnectionId, WorkerId};

/// Where moves come from. With a [`Name`](crate::Name) it is the identity of a player: no other
/// origin can move that player.
///
/// It is written `kind#number`, as in `ps#1` or `tcp#7`. Readers accept kinds that they do not know,
/// so a later server may have connections of other kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    kind: OriginKind,
    number: u64,
}

/// The kind of an [`Origin`]: 1 to 8 lower-case ASCII letters.
///
/// The letters are in the bytes of the number from the highest down, padded with zeros, so kinds are
/// ordered like their text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginKind(NonZeroU64);

/// Why a text is not an [`Origin`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid origin {text:?}: expected KIND#NUMBER, as in ps#1 or tcp#7")]
pub struct InvalidOrigin {
    text: String,
}

impl Origin {
    /// The player program `id`, written `ps#1`.
    pub const fn program(id: WorkerId) -> Self {
        Self { kind: OriginKind::PROGRAM, number: id.0 }
    }

    /// The plain TCP connection `id`, written `tcp#7`.
    pub const fn tcp(id: ConnectionId) -> Self {
        Self::connection(OriginKind::TCP, id)
    }

    /// The connection `id`, which is of the kind `kind`.
    pub const fn connection(kind: OriginKind, id: ConnectionId) -> Self {
        Self { kind, number: id.0 }
    }

    /// What kind of origin this is.
    pub const fn kind(self) -> OriginKind {
        self.kind
    }

    /// Its number: programs have one sequence of numbers, connections of all kinds another.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// The player program that it is, if it is one.
    pub fn worker_id(self) -> Option<WorkerId> {
        (self.kind == OriginKind::PROGRAM).then_some(WorkerId(self.number))
    }

    /// The connection that it is, of whatever kind, if it is one.
    pub fn connection_id(self) -> Option<ConnectionId> {
        (self.kind != OriginKind::PROGRAM).then_some(ConnectionId(self.number))
    }
}

impl OriginKind {
    /// The most letters of a kind.
    pub const MAX_LENGTH: usize = 8;

    /// Player programs that the server runs.
    pub const PROGRAM: Self = Self::new("ps").expect("two letters");

    /// Plain TCP connections.
    pub const TCP: Self = Self::new("tcp").expect("three letters");

    /// Streams over HTTP: pages in a browser.
    pub const WEB: Self = Self::new("web").expect("three letters");

    /// The kind called `name`; `None` unless that is 1 to 8 lower-case ASCII letters.
    pub const fn new(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        if name.len() > Self::MAX_LENGTH {
            return None;
        }
        let mut letters = [0; Self::MAX_LENGTH];
        let mut index = 0;
        while index < name.len() {
            if !name[index].is_ascii_lowercase() {
                return None;
            }
            letters[index] = name[index];
            index += 1;
        }
        match NonZeroU64::new(u64::from_be_bytes(letters)) {
            Some(letters) => Some(Self(letters)),
            None => None,
        }
    }
}

/// The text of an [`Origin`], on the stack: it is part of most events, and formatting it in pieces
/// takes several times the instructions.
struct OriginText {
    /// The text is at the end.
    bytes: [u8; Self::MAX_LENGTH],
    start: usize,
}

impl OriginText {
    /// A kind, `#`, and the 20 digits of the largest number.
    const MAX_LENGTH: usize = OriginKind::MAX_LENGTH + 1 + 20;

    fn new(origin: Origin) -> Self {
        let mut text = Self { bytes: [0; Self::MAX_LENGTH], start: Self::MAX_LENGTH };
        let mut rest = origin.number;
        loop {
            text.prepend(b'0' + (rest % 10) as u8);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        text.prepend(b'#');
        let letters = origin.kind.0.get().to_be_bytes();
        letters.into_iter().rev().filter(|&letter| letter != 0).for_each(|byte| text.prepend(byte));
        text
    }

    fn prepend(&mut self, byte: u8) {
        self.start -= 1;
        self.bytes[self.start] = byte;
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[self.start..]).expect("ASCII letters, `#` and digits")
    }
}

impl fmt::Display for OriginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = self.0.get().to_be_bytes();
        let length = letters.iter().position(|&byte| byte == 0).unwrap_or(letters.len());
        f.write_str(str::from_utf8(&letters[..length]).expect("only ASCII letters"))
    }
}

impl fmt::Debug for OriginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OriginText::new(*self).as_str())
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let parse = || {
            let (kind, number) = text.split_once('#')?;
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            Some(Self { kind: OriginKind::new(kind)?, number: number.parse().ok()? })
        };
        parse().ok_or_else(|| InvalidOrigin { text: text.to_owned() })
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(OriginText::new(*self).as_str())
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn origins_of_this_server_are_written_as_ever() {
        assert_eq!(Origin::program(WorkerId(1)).to_string(), "ps#1");
        assert_eq!(Origin::tcp(ConnectionId(70_000)).to_string(), "tcp#70000");
    }

    #[test]
    fn programs_and_connections_are_told_apart() {
        let program = Origin::program(WorkerId(1));
        assert_eq!((program.worker_id(), program.connection_id()), (Some(WorkerId(1)), None));
        let web: Origin = "web#3".parse().unwrap();
        assert_eq!((web.worker_id(), web.connection_id()), (None, Some(ConnectionId(3))));
        assert!(program < Origin::tcp(ConnectionId(0)) && Origin::tcp(ConnectionId(9)) < web);
    }

    #[test]
    fn it_is_small() {
        assert_eq!(size_of::<Option<Origin>>(), 16);
    }

    #[test]
    fn rejects_invalid_origins() {
        let invalid = [
            "",
            "ps",
            "#1",
            "ps#",
            "ps#x",
            "tcp#-1",
            "tcp#+1",
            "tcp#1#2",
            "TCP#1",
            "t p#1",
            "h2#1",
            "\0#1",
            "überlin#1",
            "websocket#1",
            "tcp#18446744073709551616",
        ];
        for text in invalid {
            assert!(text.parse::<Origin>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_origin_is_parsed_back_from_its_text(kind in "[a-z]{1,8}", number: u64) {
            let origin = Origin { kind: OriginKind::new(&kind).unwrap(), number };
            let text = origin.to_string();
            prop_assert_eq!(&text, &format!("{kind}#{number}"));
            prop_assert_eq!(text.parse(), Ok(origin));
            let json = serde_json::to_string(&origin).unwrap();
            prop_assert_eq!(serde_json::from_str::<Origin>(&json).unwrap(), origin);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = text.parse::<Origin>();
        }
    }
}

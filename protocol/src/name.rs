use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smol_str::SmolStr;
use thiserror::Error;

/// The most characters a name may have.
const MAX_CHARS: usize = 32;

/// What a player is called: 1 to 32 letters, digits, `_`, `-` or `.` of any script.
///
/// A name is a label. Two players of different [origins](crate::Origin) may share one.
/// Short ones, of up to 23 bytes, take no memory of their own, and cloning shares longer ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It has no character at all.
    #[error("a name has at least one character")]
    Empty,
    /// It has more than 32 characters.
    #[error("a name has at most {MAX_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// It has a character that is not allowed.
    #[error("a name is made of letters, digits, _, - and . but this one has {0:?}")]
    Character(char),
}

impl Name {
    /// Whether `text` may be a name.
    ///
    /// # Errors
    /// Says what is wrong with it otherwise.
    pub fn check(text: &str) -> Result<(), NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(bad) =
            text.chars().find(|&c| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'))
        {
            return Err(NameError::Character(bad));
        }
        // At least a byte per character, so a short text needs no count.
        let chars = if text.len() <= MAX_CHARS { text.len() } else { text.chars().count() };
        if chars > MAX_CHARS {
            return Err(NameError::TooLong(chars));
        }
        Ok(())
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for Name {
    type Error = NameError;

    fn try_from(text: &str) -> Result<Self, NameError> {
        Self::check(text)?;
        Ok(Self(text.into()))
    }
}

impl std::str::FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::try_from(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::try_from(&*text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_names() {
        for text in [
            "a",
            "ann",
            "Bob_2",
            "x-1.y",
            "Jürgen",
            "李",
            "Ωmega",
            "٣",
            &"n".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(Name::try_from(text).map(|n| n.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn anything_else_says_why_it_is_none() {
        assert_eq!(Name::try_from(""), Err(NameError::Empty));
        assert_eq!(Name::try_from("a b"), Err(NameError::Character(' ')));
        assert_eq!(Name::try_from("ann!"), Err(NameError::Character('!')));
        assert_eq!(Name::try_from("a\u{1b}"), Err(NameError::Character('\u{1b}')));
        assert_eq!(Name::try_from(&*"n".repeat(33)), Err(NameError::TooLong(33)));
        assert_eq!(Name::try_from(&*"é".repeat(33)), Err(NameError::TooLong(33)));
    }
}

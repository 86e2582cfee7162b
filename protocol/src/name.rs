use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use smol_str::SmolStr;
use thiserror::Error;

use crate::is_printable;

/// The most characters a name may have.
const MAX_CHARS: usize = 32;

/// The name of a player: 1 to 32 letters and digits of any script, `_`, `-` or `.`. Letters without a
/// visible form, such as the Hangul fillers, are not allowed.
///
/// Two players of different [origins](crate::Origin) may have the same name. Names of up to 23 bytes
/// need no allocation, and clones of longer ones share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

/// A text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It is empty.
    #[error("a name has at least 1 character")]
    Empty,
    /// It has more than 32 characters.
    #[error("a name has at most {MAX_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// It has a character that is not allowed.
    #[error("a name has only letters, digits, _, - and ., but this one has {}", quoted(*.0))]
    Character(char),
}

impl Name {
    /// Checks that `text` is a valid name.
    ///
    /// # Errors
    /// If it is not.
    pub fn check(text: &str) -> Result<(), NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let belongs = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' => true,
            '\0'..='\x7f' => false,
            _ => c.is_alphanumeric() && is_printable(c),
        };
        if let Some(bad) = text.chars().find(|&c| !belongs(c)) {
            return Err(NameError::Character(bad));
        }
        // A text has no more characters than bytes, so a short one need not be counted.
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

/// `char` in quotes, or its code point if it is not printable.
fn quoted(char: char) -> String {
    if is_printable(char) { format!("\"{char}\"") } else { format!("U+{:04X}", u32::from(char)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_of_any_script() {
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
    fn rejects_invisible_letters_by_code_point() {
        for (text, code) in [
            ("\u{3164}", "U+3164"),
            ("ann\u{115f}", "U+115F"),
            ("\u{ffa0}ann", "U+FFA0"),
            ("a\u{1160}b", "U+1160"),
            ("\u{13441}", "U+13441"),
            ("a\u{200b}", "U+200B"),
            ("a\u{202e}b", "U+202E"),
        ] {
            let error = Name::try_from(text).unwrap_err().to_string();
            assert!(error.ends_with(code), "{error}");
        }
    }

    #[test]
    fn names_have_only_printable_characters() {
        for char in '\0'..=char::MAX {
            let text = char.to_string();
            assert!(Name::check(&text).is_err() || is_printable(char), "{char:?}");
        }
    }

    #[test]
    fn rejects_invalid_names_with_a_reason() {
        assert_eq!(Name::try_from(""), Err(NameError::Empty));
        assert_eq!(Name::try_from("a b"), Err(NameError::Character(' ')));
        assert_eq!(Name::try_from("ann!"), Err(NameError::Character('!')));
        assert_eq!(Name::try_from("a\u{1b}"), Err(NameError::Character('\u{1b}')));
        assert_eq!(Name::try_from(&*"n".repeat(33)), Err(NameError::TooLong(33)));
        assert_eq!(Name::try_from(&*"é".repeat(33)), Err(NameError::TooLong(33)));
    }
}

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use thiserror::Error;

use crate::{Direction, Move, Name, is_printable};

/// What a player does in a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It moves in this direction.
    Move(Direction),
    /// It does something else that the rules of its game allow.
    Other(ActionText),
}

/// An action of a player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerAction {
    /// What the player does.
    pub action: Action,
    /// The name of the player, which identifies it together with the origin of the line.
    pub name: Name,
}

/// The text of an action that is not a direction: 1 to 64 printable characters, as one or several words
/// with one space between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActionText(SmolStr);

/// A text is not an [`ActionText`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid action {0:?}: expected 1 to {max} printable characters", max = ActionText::MAX_CHARS)]
pub struct InvalidActionText(String);

impl Action {
    /// Whether it is a move.
    pub fn direction(&self) -> Option<Direction> {
        match self {
            Self::Move(direction) => Some(*direction),
            Self::Other(_) => None,
        }
    }
}

impl ActionText {
    /// The most characters of an action.
    pub const MAX_CHARS: usize = 64;

    /// The text of the action.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for ActionText {
    type Error = InvalidActionText;

    fn try_from(text: &str) -> Result<Self, InvalidActionText> {
        let length = text.chars().count();
        let is_valid = (1..=Self::MAX_CHARS).contains(&length)
            && text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace))
            && text.chars().all(is_printable);
        if is_valid {
            Ok(Self(text.into()))
        } else {
            Err(InvalidActionText(text.chars().take(Self::MAX_CHARS).collect()))
        }
    }
}

impl Serialize for ActionText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActionText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::try_from(&*text).map_err(serde::de::Error::custom)
    }
}

impl From<Move> for PlayerAction {
    fn from(step: Move) -> Self {
        Self { action: Action::Move(step.direction), name: step.name }
    }
}

impl fmt::Display for ActionText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Move(direction) => direction.fmt(f),
            Self::Other(text) => text.fmt(f),
        }
    }
}

impl fmt::Display for PlayerAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_texts_are_short_printable_words() {
        for text in ["rock", "bid 10", "a", "é 李", &"x".repeat(64)] {
            assert_eq!(ActionText::try_from(text).unwrap().as_str(), text);
        }
        for text in ["", " ", " a", "a ", "a  b", "a\tb", "\u{1b}[2J", &"x".repeat(65)] {
            assert!(ActionText::try_from(text).is_err(), "{text:?}");
        }
    }
}

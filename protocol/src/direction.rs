use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the four ways a player can step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Up: `y` becomes one less.
    #[serde(rename = "N")]
    North,
    /// Down: `y` becomes one more.
    #[serde(rename = "S")]
    South,
    /// Right: `x` becomes one more.
    #[serde(rename = "E")]
    East,
    /// Left: `x` becomes one less.
    #[serde(rename = "W")]
    West,
}

impl Direction {
    /// All four, in the order the wire names them.
    pub const ALL: [Self; 4] = [Self::North, Self::South, Self::East, Self::West];

    /// The direction that `word` names, if it is one of the letters `N S E W`, capital or small.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "N" | "n" => Some(Self::North),
            "S" | "s" => Some(Self::South),
            "E" | "e" => Some(Self::East),
            "W" | "w" => Some(Self::West),
            _ => None,
        }
    }

    /// The letter that stands for it on the wire, a capital.
    pub fn letter(self) -> char {
        match self {
            Self::North => 'N',
            Self::South => 'S',
            Self::East => 'E',
            Self::West => 'W',
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_direction_is_read_back_from_its_letter() {
        for direction in Direction::ALL {
            let letter = direction.to_string();
            assert_eq!(Direction::from_word(&letter), Some(direction));
            assert_eq!(Direction::from_word(&letter.to_lowercase()), Some(direction));
        }
    }

    #[test]
    fn nothing_else_is_a_direction() {
        for word in ["", "NN", "nn", "X", "x", "North", "Ｎ", "ｎ"] {
            assert_eq!(Direction::from_word(word), None, "{word:?}");
        }
    }
}

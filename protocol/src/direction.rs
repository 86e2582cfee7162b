use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the four directions of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Up: decreases `y` by one.
    #[serde(rename = "N")]
    North,
    /// Down: increases `y` by one.
    #[serde(rename = "S")]
    South,
    /// Right: increases `x` by one.
    #[serde(rename = "E")]
    East,
    /// Left: decreases `x` by one.
    #[serde(rename = "W")]
    West,
}

impl Direction {
    /// All four.
    pub const ALL: [Self; 4] = [Self::North, Self::South, Self::East, Self::West];

    /// The direction back.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::North => Self::South,
            Self::South => Self::North,
            Self::East => Self::West,
            Self::West => Self::East,
        }
    }

    /// The direction of `word`, if that is one of the letters `N S E W`, upper or lower case.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "N" | "n" => Some(Self::North),
            "S" | "s" => Some(Self::South),
            "E" | "e" => Some(Self::East),
            "W" | "w" => Some(Self::West),
            _ => None,
        }
    }

    /// Its letter on the wire, in upper case.
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
    fn directions_round_trip_through_their_letters() {
        for direction in Direction::ALL {
            let letter = direction.to_string();
            assert_eq!(Direction::from_word(&letter), Some(direction));
            assert_eq!(Direction::from_word(&letter.to_lowercase()), Some(direction));
        }
    }

    #[test]
    fn rejects_other_words() {
        for word in ["", "NN", "nn", "X", "x", "North", "Ｎ", "ｎ"] {
            assert_eq!(Direction::from_word(word), None, "{word:?}");
        }
    }
}

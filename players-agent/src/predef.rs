use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

/// One of the four predefined pairs of players.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Predef {
    /// John and Mary.
    #[default]
    One,
    /// Bill and Jane.
    Two,
    /// Augustin and Randalphe.
    Three,
    /// Bertrand and Juliette.
    Four,
}

/// A player of a predef.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player {
    /// Its name.
    pub name: &'static str,
    /// How many moves it makes.
    pub moves: u32,
    /// The longest pause before each move.
    pub longest_pause: Duration,
}

/// A text that is not the number of a predef.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown predef {0:?}: expected 1, 2, 3 or 4")]
pub struct UnknownPredef(pub String);

impl Predef {
    /// All four.
    pub const ALL: [Self; 4] = [Self::One, Self::Two, Self::Three, Self::Four];

    /// Its two players.
    pub const fn players(self) -> [Player; 2] {
        match self {
            Self::One => [player("john", 3, 800), player("mary", 7, 400)],
            Self::Two => [player("bill", 5, 500), player("jane", 4, 700)],
            Self::Three => [player("augustin", 8, 800), player("randalphe", 10, 600)],
            Self::Four => [player("bertrand", 12, 500), player("juliette", 8, 700)],
        }
    }

    /// Its number, 1 to 4.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }
}

const fn player(name: &'static str, moves: u32, longest_pause_ms: u64) -> Player {
    Player { name, moves, longest_pause: Duration::from_millis(longest_pause_ms) }
}

impl fmt::Display for Predef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl FromStr for Predef {
    type Err = UnknownPredef;

    fn from_str(text: &str) -> Result<Self, UnknownPredef> {
        let chosen = Self::ALL.into_iter().find(|predef| text == predef.to_string());
        chosen.ok_or_else(|| UnknownPredef(text.to_owned()))
    }
}

impl fmt::Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, moves, longest_pause } = self;
        write!(f, "{name} {moves} × {} s", longest_pause.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predefs_are_as_documented() {
        let shown: Vec<String> = Predef::ALL
            .iter()
            .map(|predef| predef.players().map(|player| player.to_string()).join(", "))
            .collect();
        assert_eq!(
            shown,
            [
                "john 3 × 0.8 s, mary 7 × 0.4 s",
                "bill 5 × 0.5 s, jane 4 × 0.7 s",
                "augustin 8 × 0.8 s, randalphe 10 × 0.6 s",
                "bertrand 12 × 0.5 s, juliette 8 × 0.7 s",
            ]
        );
    }

    #[test]
    fn predef_is_parsed_from_its_number() {
        assert_eq!("3".parse(), Ok(Predef::Three));
        for text in ["", "0", "5", "01", "one"] {
            assert_eq!(text.parse::<Predef>(), Err(UnknownPredef(text.into())));
        }
    }
}

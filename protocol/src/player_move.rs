use std::fmt;

use thiserror::Error;

use crate::{Direction, Name, name::NameError};

/// A move of a player. As text it is `N john`, whatever its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The direction.
    pub direction: Direction,
    /// The name of the player.
    pub name: Name,
}

/// A text is not a move.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MoveError {
    /// It does not have the form of a move.
    #[error("invalid move: expected N, S, E or W and a name, as in `N john`")]
    Form,
    /// Its first word is in the place of the direction, but is not a direction.
    #[error("invalid direction {0:?}: expected N, S, E or W")]
    Direction(String),
    /// It has a direction, but its name is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Move {
    /// Parses `DIRECTION NAME`, with any white space around and between them, in upper or lower case.
    ///
    /// # Errors
    /// If a part is invalid: says which.
    pub fn parse(text: &str) -> Result<Self, MoveError> {
        let text = text.trim();
        let (first, rest) = text.split_once(char::is_whitespace).ok_or(MoveError::Form)?;
        let rest = rest.trim_start();
        match Direction::from_word(first) {
            Some(direction) => Ok(Self { direction, name: Name::try_from(rest)? }),
            // Two letters may be meant as a diagonal direction; a longer word is not meant as a move.
            None if first.chars().count() <= 2 => Err(MoveError::Direction(first.to_owned())),
            None => Err(MoveError::Form),
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.direction, self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::is_printable;

    #[test]
    fn parses_a_direction_and_a_name() {
        let john = Move { direction: Direction::North, name: "john".parse().unwrap() };
        for text in ["N john", "n john", " N john ", "N \t john"] {
            assert_eq!(Move::parse(text), Ok(john.clone()), "{text:?}");
        }
    }

    #[test]
    fn names_the_invalid_part() {
        assert_eq!(Move::parse(""), Err(MoveError::Form));
        assert_eq!(Move::parse("N"), Err(MoveError::Form));
        assert_eq!(Move::parse("hello"), Err(MoveError::Form));
        assert_eq!(Move::parse("what is this"), Err(MoveError::Form));
        assert_eq!(Move::parse("hello there"), Err(MoveError::Form));
        assert_eq!(Move::parse("ne john"), Err(MoveError::Direction("ne".into())));
        assert_eq!(Move::parse("NE john"), Err(MoveError::Direction("NE".into())));
        assert_eq!(Move::parse("X john"), Err(MoveError::Direction("X".into())));
        assert_eq!(Move::parse("N jo hn"), Err(MoveError::Name(NameError::Character(' '))));
        assert_eq!(Move::parse("N j*hn"), Err(MoveError::Name(NameError::Character('*'))));
    }

    proptest! {
        #[test]
        fn a_move_is_read_back_from_what_it_prints(
            direction in prop::sample::select(Direction::ALL.to_vec()),
            name in "[\\pL\\p{Nd}_.-]{1,32}"
                .prop_filter("it is printable", |name| name.chars().all(is_printable)),
        ) {
            let step = Move { direction, name: name.parse().unwrap() };
            prop_assert_eq!(Move::parse(&step.to_string()), Ok(step));
        }

        #[test]
        fn no_text_causes_a_panic(text in ".*") {
            let _ = Move::parse(&text);
        }
    }
}

use std::{fmt, str::FromStr};

use thiserror::Error;

/// How well a player plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Skill {
    /// It wanders about, whatever is in its way.
    #[default]
    Wanders,
    /// It takes the shortest way to the nearest food, and looks one step ahead.
    Greedy,
    /// It also avoids dead ends, and cells that the head of another snake may enter.
    Careful,
}

/// A text that is not the number of a skill.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown skill {0:?}: expected 1, 2 or 3")]
pub struct UnknownSkill(String);

impl Skill {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Wanders, Self::Greedy, Self::Careful];

    /// Its number, 1 to 3.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The name of a player of this skill, unless it is given another.
    pub const fn default_name(self) -> &'static str {
        match self {
            Self::Wanders => "wanda",
            Self::Greedy => "gus",
            Self::Careful => "cara",
        }
    }
}

impl fmt::Display for Skill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl FromStr for Skill {
    type Err = UnknownSkill;

    fn from_str(text: &str) -> Result<Self, UnknownSkill> {
        let chosen = Self::ALL.into_iter().find(|skill| text == skill.to_string());
        chosen.ok_or_else(|| UnknownSkill(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skill_is_parsed_from_its_number() {
        assert_eq!("3".parse(), Ok(Skill::Careful));
        for text in ["", "0", "4", "greedy"] {
            assert_eq!(text.parse::<Skill>(), Err(UnknownSkill(text.into())));
        }
    }
}

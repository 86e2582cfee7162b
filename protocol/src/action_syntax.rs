use regex_lite::{Regex, RegexBuilder};
use thiserror::Error;

use crate::{
    Action, ActionText, Direction, ErrorCode, Move, MoveError, Name, PlayerAction, Refusal,
};

/// The most bytes that the compiled form of a pattern may take: enough for some hundred words.
const MAX_PATTERN_BYTES: usize = 64 << 10;

/// Which actions the players of a game can take, and so which lines are actions.
#[derive(Clone, Debug, Default)]
pub enum ActionSyntax {
    /// The four directions.
    #[default]
    Directions,
    /// Texts that match the pattern of a referee.
    Pattern(ActionPattern),
}

/// The regular expression that the actions of a game match.
#[derive(Clone, Debug)]
pub struct ActionPattern {
    regex: Regex,
    /// The expression, as the referee wrote it.
    text: String,
}

/// A text is not a regular expression for actions.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid regular expression: {0}")]
pub struct InvalidPattern(String);

/// Why a line is not an action of a player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnAction {
    /// The code and the reason, for the sender.
    pub refusal: Refusal,
    /// Whether it seems to be meant as an action: in the output of a program, other lines are plain output.
    pub is_nearly_one: bool,
}

impl ActionPattern {
    /// The pattern `text`: a regular expression of the crate `regex-lite`, which each action has to match
    /// as a whole.
    ///
    /// # Errors
    /// If it is not a regular expression, or too large.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let compile = |text: &str| {
            let regex = RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build();
            regex.map_err(|error| InvalidPattern(error.to_string()))
        };
        // On its own first: otherwise `a)|(b` would close the group that it is put into.
        compile(text)?;
        let regex = compile(&format!("^(?:{text})$"))?;
        Ok(Self { regex, text: text.to_owned() })
    }

    /// The regular expression.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The action that `text` is, if it matches. A direction may be in lower case.
    fn action(&self, text: &str) -> Option<Action> {
        if let Some(direction) = Direction::from_word(text)
            && self.regex.is_match(&direction.to_string())
        {
            return Some(Action::Move(direction));
        }
        let text = ActionText::try_from(text).ok()?;
        self.regex.is_match(text.as_str()).then_some(Action::Other(text))
    }
}

impl ActionSyntax {
    /// The action that `text` is, without the name of a player.
    pub fn action(&self, text: &str) -> Option<Action> {
        match self {
            Self::Directions => Direction::from_word(text).map(Action::Move),
            Self::Pattern(pattern) => pattern.action(text),
        }
    }

    /// The action that `line` is, if it has no name. A line such as `bid 10`, which can be read either
    /// way, has a name.
    pub(crate) fn action_without_name(&self, line: &str) -> Option<Action> {
        match self {
            Self::Directions => Direction::from_word(line).map(Action::Move),
            Self::Pattern(pattern) => pattern.action(line).filter(|_| pattern.parse(line).is_err()),
        }
    }

    /// Parses a line `ACTION NAME`.
    ///
    /// # Errors
    /// If the action or the name is invalid.
    pub fn parse(&self, line: &str) -> Result<PlayerAction, NotAnAction> {
        match self {
            Self::Directions => Ok(Move::parse(line)?.into()),
            Self::Pattern(pattern) => pattern.parse(line.trim()),
        }
    }

    /// The refusal of `action`, which is not one of this game.
    pub fn refusal(&self, action: &str) -> Refusal {
        match self {
            Self::Directions => MoveError::Direction(action.to_owned()).into(),
            Self::Pattern(pattern) => pattern.refusal(action),
        }
    }
}

impl ActionPattern {
    fn parse(&self, line: &str) -> Result<PlayerAction, NotAnAction> {
        let Some((action, name)) = line.rsplit_once(char::is_whitespace) else {
            let message = format!("expected an action that matches {} and a name", self.text);
            let refusal = Refusal::new(ErrorCode::BadLine, message);
            return Err(NotAnAction { refusal, is_nearly_one: false });
        };
        match (self.action(action.trim_end()), Name::try_from(name)) {
            (Some(action), Ok(name)) => Ok(PlayerAction { action, name }),
            (Some(_), Err(error)) => {
                let refusal = Refusal::new(ErrorCode::BadName, error.to_string());
                Err(NotAnAction { refusal, is_nearly_one: true })
            }
            (None, _) => {
                let refusal = self.refusal(action.trim_end());
                Err(NotAnAction { refusal, is_nearly_one: false })
            }
        }
    }

    fn refusal(&self, action: &str) -> Refusal {
        let message = if self.text.is_empty() {
            format!("invalid action {action:?}: this game takes no actions")
        } else {
            format!("invalid action {action:?}: expected one that matches {}", self.text)
        };
        Refusal::new(ErrorCode::BadAction, message)
    }
}

impl From<MoveError> for NotAnAction {
    fn from(error: MoveError) -> Self {
        Self { is_nearly_one: error != MoveError::Form, refusal: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn syntax(pattern: &str) -> ActionSyntax {
        ActionSyntax::Pattern(ActionPattern::new(pattern).unwrap())
    }

    fn parse(syntax: &ActionSyntax, line: &str) -> Result<String, (ErrorCode, bool)> {
        let parsed = syntax.parse(line);
        parsed
            .map(|action| action.to_string())
            .map_err(|error| (error.refusal.code, error.is_nearly_one))
    }

    #[test]
    fn actions_match_the_pattern_as_a_whole() {
        let rps = syntax("rock|paper|scissors");
        assert_eq!(parse(&rps, " rock  ann "), Ok("rock ann".into()));
        assert_eq!(parse(&rps, "rocks ann"), Err((ErrorCode::BadAction, false)));
        assert_eq!(parse(&rps, "N ann"), Err((ErrorCode::BadAction, false)));
        assert_eq!(parse(&rps, "rock j*hn"), Err((ErrorCode::BadName, true)));
        assert_eq!(parse(&rps, "rock"), Err((ErrorCode::BadLine, false)));
        assert_eq!(rps.action("paper").unwrap().to_string(), "paper");
        assert_eq!(rps.action("paper ann"), None);
    }

    #[test]
    fn a_direction_that_matches_is_a_move() {
        let syntax = syntax("[NSEW]|place [0-9]+");
        for line in ["N ann", "n ann"] {
            let parsed = syntax.parse(line).unwrap();
            assert_eq!(parsed.action, Action::Move(Direction::North));
        }
        assert_eq!(parse(&syntax, "place 12 ann"), Ok("place 12 ann".into()));
        let only_one = ActionSyntax::Pattern(ActionPattern::new("n").unwrap());
        assert!(matches!(only_one.action("n"), Some(Action::Other(_))));
    }

    #[test]
    fn an_empty_pattern_matches_no_action() {
        for line in ["N ann", "rock ann"] {
            let refusal = syntax("").parse(line).unwrap_err().refusal;
            assert_eq!(refusal.code, ErrorCode::BadAction);
            assert!(refusal.message.ends_with("this game takes no actions"), "{}", refusal.message);
        }
    }

    #[test]
    fn directions_are_parsed_as_moves() {
        let syntax = ActionSyntax::Directions;
        assert_eq!(parse(&syntax, "s ann"), Ok("S ann".into()));
        assert_eq!(parse(&syntax, "X ann"), Err((ErrorCode::BadDirection, true)));
        assert_eq!(parse(&syntax, "hello there"), Err((ErrorCode::BadLine, false)));
    }

    #[test]
    fn invalid_and_large_patterns_are_rejected() {
        for pattern in ["(", "a{100000}", "[z-a]", "a)|(?:b"] {
            assert!(ActionPattern::new(pattern).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_line_causes_a_panic(line in ".*") {
            let _ = syntax("[a-z]+( [0-9])?").parse(&line);
        }
    }
}

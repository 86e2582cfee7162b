use serde::Deserialize;
use tribune_protocol::{Action, ActionText, Name, PlayerAction};

use crate::{line_error::LineError, move_lines::parse_moves};

/// How the lines that a player types are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSyntax {
    /// As moves, of which a line may have several.
    Moves,
    /// As one action each.
    Actions,
}

impl LineSyntax {
    /// The syntax for a game with these `rules`, as `welcome` names them.
    pub fn of(rules: Option<&str>) -> Self {
        match rules {
            None | Some("walk" | "snake") => Self::Moves,
            Some(_) => Self::Actions,
        }
    }

    /// Parses a line of standard input, for the player `name`. A line of [moves](Self::Moves) is parsed by
    /// [`parse_moves`]. A line of [actions](Self::Actions) is one of
    /// - an action of `name`, as in `bid 10`, which may be followed by that name;
    /// - a JSON object as on the wire, of any player.
    ///
    /// # Errors
    /// If the line is invalid.
    pub fn parse(self, line: &[u8], name: &Name) -> Result<Vec<PlayerAction>, LineError> {
        match self {
            Self::Moves => {
                let moves = parse_moves(line, name)?;
                Ok(moves.into_iter().map(PlayerAction::from).collect())
            }
            Self::Actions => Ok(parse_action(line, name)?.into_iter().collect()),
        }
    }
}

/// A JSON object that is an action.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ActionObject {
    Move { direction: ActionText, name: Option<Name> },
    Action { action: ActionText, name: Option<Name> },
}

/// The action that `line` is; `None` if it is blank.
fn parse_action(line: &[u8], name: &Name) -> Result<Option<PlayerAction>, LineError> {
    let error = |reason: String| LineError::new("action", line, reason);
    let text = std::str::from_utf8(line).map_err(|_| error("it is not UTF-8".to_owned()))?.trim();
    if text.starts_with('{') {
        let object = serde_json::from_str(text).map_err(|_| {
            let form = r#"{"type":"action","action":"rock","name":"ann"}"#;
            error(format!("expected a JSON object such as {form}"))
        })?;
        let (ActionObject::Move { direction: action, name: other }
        | ActionObject::Action { action, name: other }) = object;
        let name = other.unwrap_or_else(|| name.clone());
        return Ok(Some(PlayerAction { action: Action::Other(action), name }));
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.len() > 1 && words.last() == Some(&name.as_str()) {
        words.pop();
    }
    if words.is_empty() {
        return Ok(None);
    }
    let action = ActionText::try_from(words.join(" ").as_str()).map_err(|_| {
        error(format!("expected 1 to {} printable characters", ActionText::MAX_CHARS))
    })?;
    Ok(Some(PlayerAction { action: Action::Other(action), name: name.clone() }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(syntax: LineSyntax, line: &str) -> Result<String, String> {
        let actions = syntax.parse(line.as_bytes(), &"ann".parse().unwrap());
        let actions = actions.map_err(|error| error.to_string())?;
        Ok(actions.iter().map(PlayerAction::to_string).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn the_rules_decide_how_lines_are_read() {
        for (rules, want) in [
            (None, "N ann, N ann, E ann"),
            (Some("walk"), "N ann, N ann, E ann"),
            (Some("snake"), "N ann, N ann, E ann"),
            (Some("rock-paper-scissors"), "n n e ann"),
        ] {
            assert_eq!(parse(LineSyntax::of(rules), "n n e").as_deref(), Ok(want));
        }
    }

    #[test]
    fn a_line_is_an_action_of_the_named_player() {
        for (line, want) in [
            ("rock", "rock ann"),
            (" bid  10 \t", "bid 10 ann"),
            ("rock ann", "rock ann"),
            ("rock bob", "rock bob ann"),
            ("ask ann ann", "ask ann ann"),
            ("ann", "ann ann"),
            ("n", "n ann"),
            ("", ""),
            (r#"{"type":"action","action":"rock","name":"bob"}"#, "rock bob"),
            (r#" {"type":"action","action":"rock"}"#, "rock ann"),
            (r#"{"type":"move","direction":"n","name":"bob","x":1}"#, "n bob"),
        ] {
            assert_eq!(parse(LineSyntax::Actions, line).as_deref(), Ok(want), "{line}");
        }
    }

    #[test]
    fn quotes_invalid_actions() {
        for (line, part) in [
            ("\u{1b}[2J", r#"invalid action "\u{1b}[2J": expected 1 to 64 printable"#),
            (&"x".repeat(65), "expected 1 to 64 printable"),
            ("{", "expected a JSON object such as"),
            (r#"{"type":"ping","id":1}"#, "expected a JSON object such as"),
            (r#"{"type":"action","action":"rock","name":"a b"}"#, "expected a JSON object"),
        ] {
            let error = parse(LineSyntax::Actions, line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
        assert!(LineSyntax::Actions.parse(b"rock \xff", &"ann".parse().unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn no_line_causes_a_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = LineSyntax::Actions.parse(&line, &"ann".parse().unwrap());
        }
    }
}

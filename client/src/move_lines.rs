use tribune_protocol::{
    Action, ActionSyntax, Direction, Move, Name, PlayerAction, Refusal, Request,
};

use crate::line_error::LineError;

/// Parses the moves of a line of standard input, for the player `name`. The line is one of
/// - words of the letters n, s, e and w, each letter a move of `name`, as in `n n e`;
/// - a move as on the wire, `N ann` or a JSON object, of any player. `e n` is two moves, and not one of
///   a player `n`, unless that is `name`.
///
/// A line must be valid as a whole.
///
/// # Errors
/// If the line is neither.
pub fn parse_moves(line: &[u8], name: &Name) -> Result<Vec<Move>, LineError> {
    let error = |reason: String| LineError::new("move", line, reason);
    let text = std::str::from_utf8(line).map_err(|_| error("it is not UTF-8".to_owned()))?;
    if let Some(step) = Move::parse(text).ok().filter(|step| step.name == *name) {
        return Ok(vec![step]);
    }
    if let Some(directions) = directions_of(text) {
        let step = |direction| Move { direction, name: name.clone() };
        return Ok(directions.into_iter().map(step).collect());
    }
    match Request::parse(line, &ActionSyntax::Directions) {
        Ok(Some(Request::Act(PlayerAction { action: Action::Move(direction), name }))) => {
            Ok(vec![Move { direction, name }])
        }
        Ok(Some(Request::ActAgain(Action::Move(direction)))) => {
            Ok(vec![Move { direction, name: name.clone() }])
        }
        Ok(None) => Ok(Vec::new()),
        Ok(Some(_)) => Err(error("only moves can be sent".to_owned())),
        Err(Refusal { message, .. }) if text.trim_start().starts_with('{') => Err(error(message)),
        Err(_) => Err(error(
            "expected directions (n, s, e and w) as in `n n e`, or a move as in `N ann`".to_owned(),
        )),
    }
}

/// The directions that `text` consists of, if it consists of nothing else.
fn directions_of(text: &str) -> Option<Vec<Direction>> {
    let direction = |letter: char| Direction::from_word(letter.encode_utf8(&mut [0; 4]));
    text.chars().filter(|char| !char.is_whitespace()).map(direction).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moves(line: &str, name: &str) -> Result<String, String> {
        let moves = parse_moves(line.as_bytes(), &name.parse().unwrap());
        let moves = moves.map_err(|error| error.to_string())?;
        Ok(moves.iter().map(Move::to_string).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn letters_are_moves_of_the_named_player() {
        for (line, want) in [
            ("n", "N ann"),
            ("n n E", "N ann, N ann, E ann"),
            ("nw", "N ann, W ann"),
            ("  n\te ", "N ann, E ann"),
            ("n e", "N ann, E ann"),
            ("N sew", "N ann, S ann, E ann, W ann"),
            ("", ""),
            (" \t", ""),
        ] {
            assert_eq!(moves(line, "ann"), Ok(want.to_owned()), "{line:?}");
        }
    }

    #[test]
    fn accepts_moves_as_on_the_wire() {
        for line in [
            "N ann",
            "n ann",
            " N \t ann ",
            r#"{"type":"move","direction":"N","name":"ann"}"#,
            r#"{"type":"move","direction":"N"}"#,
        ] {
            assert_eq!(moves(line, "ann"), Ok("N ann".to_owned()), "{line:?}");
        }
        assert_eq!(moves("N bob", "ann"), Ok("N bob".to_owned()));
        assert_eq!(moves("N news", "news"), Ok("N news".to_owned()));
        let json = r#"{"type":"move","direction":"W","name":"news"}"#;
        assert_eq!(moves(json, "ann"), Ok("W news".to_owned()));
    }

    #[test]
    fn quotes_invalid_lines() {
        for (line, part) in [
            ("hello", "`n n e`"),
            ("n x!", "`N ann`"),
            ("NE john", "`N ann`"),
            ("N ann bob", "`N ann`"),
            (r#"{"type":"ping","id":1}"#, "only moves"),
            (r#"{"type":"resume","game":"g","after":1}"#, "only moves"),
            (r#"{"type":"move","direction":"X","name":"ann"}"#, "direction"),
            ("{", "JSON"),
            ("\u{1b}[2J", r#""\u{1b}[2J""#),
        ] {
            let error = moves(line, "ann").unwrap_err();
            assert!(error.contains(part), "{line:?}: {error}");
        }
        assert!(parse_moves(b"N \xff", &"ann".parse().unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn no_line_causes_a_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_moves(&line, &"ann".parse().unwrap());
        }
    }
}

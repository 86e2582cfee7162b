use std::sync::{Arc, Mutex, PoisonError};

use tribune_protocol::{
    ActionSyntax, ErrorCode, Line, MAX_CLIENT_LINE, Name, NotAnAction, PlayerAction, Refusal,
};

use crate::{limits::Roster, observer::ObservedLine};

/// Decides what the lines of one output of a program are.
#[derive(Debug)]
pub(super) struct LineClassifier {
    /// The actions that players can take.
    actions: Arc<ActionSyntax>,
    /// The players that it can move; none for standard error.
    roster: Option<Arc<Mutex<Roster>>>,
}

impl LineClassifier {
    pub(super) fn new(actions: Arc<ActionSyntax>, roster: Option<Arc<Mutex<Roster>>>) -> Self {
        Self { actions, roster }
    }

    /// What `line` is; `None` if it is blank. A new player of an action is added to the roster.
    pub(super) fn classify(&self, line: &Line) -> Option<ObservedLine> {
        let (text, is_complete) = match line {
            Line::Whole(bytes) => (String::from_utf8_lossy(bytes), Ok(bytes)),
            Line::Cut(bytes) => (decode_prefix(bytes).into(), Err(too_long())),
            Line::Unfinished(bytes) => (String::from_utf8_lossy(bytes), Err(unfinished())),
        };
        if text.trim().is_empty() && !matches!(line, Line::Cut(_)) {
            return None;
        }
        let Some(roster) = &self.roster else { return Some(ObservedLine::Error(text.into())) };
        let action = is_complete.and_then(|bytes| self.parse_action(bytes, roster));
        Some(match action {
            Ok(action) => ObservedLine::Action(action),
            Err(NotAnAction { refusal, is_nearly_one: true }) => {
                ObservedLine::Refused(text.into(), refusal)
            }
            Err(NotAnAction { refusal, .. }) => ObservedLine::Plain(text.into(), refusal),
        })
    }

    /// The action in `line`. An unknown action before the name of one of the program's players is
    /// nearly one.
    fn parse_action(
        &self,
        line: &[u8],
        roster: &Mutex<Roster>,
    ) -> Result<PlayerAction, NotAnAction> {
        let mut roster = roster.lock().unwrap_or_else(PoisonError::into_inner);
        let text = std::str::from_utf8(line)
            .map_err(|_| plain(ErrorCode::NotUtf8, "the line is not UTF-8"))?;
        let action = self.actions.parse(text).map_err(|error| {
            let is_bad_action = error.refusal.code == ErrorCode::BadAction;
            let is_nearly_one =
                error.is_nearly_one || (is_bad_action && ends_with_a_player_of(&roster, text));
            NotAnAction { is_nearly_one, ..error }
        })?;
        let admitted = roster.check(&action.name).and_then(|()| roster.add(&action.name));
        admitted.map_err(|refusal| NotAnAction { refusal, is_nearly_one: true })?;
        Ok(action)
    }
}

fn plain(code: ErrorCode, message: impl Into<String>) -> NotAnAction {
    NotAnAction { refusal: Refusal::new(code, message), is_nearly_one: false }
}

fn too_long() -> NotAnAction {
    let message = format!("a line has at most {MAX_CLIENT_LINE} bytes: the rest is skipped");
    plain(ErrorCode::LineTooLong, message)
}

fn unfinished() -> NotAnAction {
    plain(ErrorCode::BadLine, "the output ended before the line did")
}

/// Whether the last word of `line` is the name of a player on `roster`.
fn ends_with_a_player_of(roster: &Roster, line: &str) -> bool {
    let last = line.split_whitespace().next_back().and_then(|word| Name::try_from(word).ok());
    last.is_some_and(|name| roster.contains(&name))
}

/// Decodes the beginning of a text, without an incomplete character at its end.
fn decode_prefix(bytes: &[u8]) -> String {
    let complete = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..complete]).into_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::limits::PlayerPermits;

    #[test]
    fn prefix_does_not_end_within_a_character() {
        assert_eq!(decode_prefix("abé".as_bytes()), "abé");
        assert_eq!(decode_prefix(&"abé".as_bytes()[..3]), "ab");
        assert_eq!(decode_prefix(b"ab\xffcd"), "ab\u{fffd}cd");
        assert_eq!(decode_prefix(b""), "");
    }

    #[test]
    fn last_word_is_looked_up_on_the_roster() {
        let mut roster = Roster::new(1, PlayerPermits::new(1));
        roster.add(&"ann".parse().unwrap()).unwrap();
        for line in ["rok ann", " not even  nearly ann ", "ann"] {
            assert!(ends_with_a_player_of(&roster, line), "{line:?}");
        }
        for line in ["ann rock", "rock Ann", "rock ann!", "rock bob", "", " "] {
            assert!(!ends_with_a_player_of(&roster, line), "{line:?}");
        }
    }

    #[test]
    fn tells_actions_refused_lines_and_plain_output_apart() {
        let roster = Arc::new(Mutex::new(Roster::new(1, PlayerPermits::new(1))));
        let output = LineClassifier::new(Arc::default(), Some(roster));
        let code = |line: Line| match output.classify(&line)? {
            ObservedLine::Action(action) => Some(action.to_string()),
            ObservedLine::Refused(_, refusal) => Some(format!("refused {}", refusal.code)),
            ObservedLine::Plain(_, refusal) => Some(format!("plain {}", refusal.code)),
            ObservedLine::Error(_) => Some("error".into()),
        };
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        for (line, want) in [
            (Line::Whole(bytes("N ann")), "N ann"),
            (Line::Whole(bytes("N bob")), "refused too_many_players"),
            (Line::Whole(bytes("N dbg ann")), "refused bad_name"),
            (Line::Whole(bytes("hello")), "plain bad_line"),
            (Line::Whole(Bytes::from_static(b"N \xff")), "plain not_utf8"),
            (Line::Cut(bytes("N ann")), "plain line_too_long"),
            (Line::Unfinished(bytes("N ann")), "plain bad_line"),
        ] {
            assert_eq!(code(line).as_deref(), Some(want));
        }
        assert_eq!(code(Line::Whole(bytes(" \t"))), None);
        let error = LineClassifier::new(Arc::default(), None);
        let line = error.classify(&Line::Whole(bytes("N ann")));
        assert_eq!(line, Some(ObservedLine::Error("N ann".into())));
    }
}

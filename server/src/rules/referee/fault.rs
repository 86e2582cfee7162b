use std::{fmt, time::Duration};

use thiserror::Error;
use tribune_protocol::{BoardSize, Exit, InvalidGlyph, InvalidPattern, PlayerId, text::quote};

use super::{
    command::SCORE_LIMIT,
    turn_lines::{MAX_BYTES, MAX_LINES, MAX_NOTES},
};

/// The most bytes of a line that a fault quotes.
const MAX_QUOTED: usize = 80;

/// What a referee did wrong, which ends the game.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Fault {
    /// How many lines the referee has printed, the wrong one included.
    pub line: u64,
    /// The beginning of the wrong line, quoted; `None` if it is no line that is wrong.
    pub text: Option<String>,
    /// What is wrong.
    pub reason: FaultReason,
}

/// A referee has failed, which ends the game.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the referee {title} failed: {fault}")]
pub struct RefereeFailure {
    /// The name of its program.
    pub title: String,
    /// What it did wrong.
    pub fault: Fault,
}

/// What is wrong with a line of a referee, or with the referee.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FaultReason {
    /// The first word of a line is unknown.
    #[error(
        "unknown word: expected draw, score, out, note, result, end or go, and before the first go also name or \
         actions"
    )]
    UnknownWord,
    /// Words are missing or too many.
    #[error("expected `{0}`")]
    Form(&'static str),
    /// A word is not a number.
    #[error("{0} is not a whole number: expected `{1}`")]
    NotANumber(String, &'static str),
    /// A score is too large for clients that have only floating-point numbers.
    #[error("invalid score: expected -{SCORE_LIMIT} to {SCORE_LIMIT}")]
    Score,
    /// A cell is not on the board.
    #[error(
        "the cell is off the board: expected X from 0 to {} and Y from 0 to {}",
        .0.width - 1,
        .0.height - 1
    )]
    OffBoard(BoardSize),
    /// What a cell is to show is invalid.
    #[error("{0}, or . for an empty cell")]
    Glyph(#[from] InvalidGlyph),
    /// No player has had this number.
    #[error("unknown player {0}: expected one that has joined")]
    UnknownPlayer(PlayerId),
    /// A result names a player twice.
    #[error("player {0} is in the result twice")]
    RankedTwice(PlayerId),
    /// A text is too long.
    #[error("the text is too long: expected at most {0} characters")]
    TextTooLong(usize),
    /// The name of the game is not printable, or has no characters or too many.
    #[error("invalid name: expected 1 to {0} printable characters")]
    Name(usize),
    /// The actions are not a regular expression.
    #[error(transparent)]
    Pattern(#[from] InvalidPattern),
    /// A name or actions that differ from those that were printed before.
    #[error("too late: name and actions can be set only before the first go")]
    TooLate,
    /// `go` without `turn`.
    #[error("unexpected go: expected one go for each turn")]
    NoTurn,
    /// A line is longer than the limit.
    #[error("the line is too long: expected at most {0} bytes")]
    LineTooLong(usize),
    /// A line is not UTF-8.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// More lines than a turn may have.
    #[error("too many lines without go: expected at most {MAX_LINES} in a turn")]
    TooManyLines,
    /// More bytes than a turn may have.
    #[error("too many bytes without go: expected at most {MAX_BYTES} in a turn")]
    TooManyBytes,
    /// More notes than a turn may have.
    #[error("too many notes: expected at most {MAX_NOTES} in a turn")]
    TooManyNotes,
    /// It did not print `go` in time.
    #[error("turn {turn} was not completed within {}: expected go, and a flush after it", seconds(*.limit))]
    NoAnswer {
        /// The turn that it was asked for.
        turn: u64,
        /// How long it could take.
        limit: Duration,
    },
    /// Its standard input is full, and it does not read it.
    #[error("it does not read its standard input: {0} bytes wait to be read")]
    NotReading(usize),
    /// It closed its standard output.
    #[error("it closed its standard output without end")]
    Closed,
    /// It could not be started.
    #[error("it could not be started: {0}")]
    NotStarted(String),
    /// It exited.
    #[error("it exited without end: {0}")]
    Exited(Exit),
}

impl Fault {
    /// A line that is wrong, the referee's `line`-th.
    pub(super) fn in_line(line: u64, text: &[u8], reason: FaultReason) -> Self {
        let quoted = match text.get(..MAX_QUOTED) {
            Some(beginning) if text.len() > MAX_QUOTED => quote(complete(beginning)) + "…",
            _ => quote(text),
        };
        Self { line, text: Some(quoted), reason }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, reason } = self;
        match text {
            Some(text) => write!(f, "line {line}, {text}: {reason}"),
            None if matches!(reason, FaultReason::NotStarted(_)) => reason.fmt(f),
            None if *line == 0 => write!(f, "before its first line: {reason}"),
            None => write!(f, "after line {line}: {reason}"),
        }
    }
}

/// `bytes` without an incomplete character at their end.
fn complete(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_between_characters() {
        let text = "x".repeat(79) + "éé";
        let fault = Fault::in_line(7, text.as_bytes(), FaultReason::UnknownWord);
        assert_eq!(fault.text.unwrap(), format!("\"{}\"…", "x".repeat(79)));
        let fault = Fault::in_line(7, b"\xff", FaultReason::NotUtf8);
        assert_eq!(fault.to_string(), r#"line 7, "\xff": the line is not UTF-8"#);
    }

    #[test]
    fn faults_without_a_line_name_the_last_one() {
        let limit = Duration::from_millis(2500);
        let fault =
            Fault { line: 3, text: None, reason: FaultReason::NoAnswer { turn: 17, limit } };
        let want = "after line 3: turn 17 was not completed within 2.5 s: expected go, and a flush after it";
        assert_eq!(fault.to_string(), want);
        let fault = Fault { line: 0, text: None, reason: FaultReason::Closed };
        assert_eq!(
            fault.to_string(),
            "before its first line: it closed its standard output without end"
        );
    }
}

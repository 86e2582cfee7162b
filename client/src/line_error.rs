use std::fmt;

use tribune_protocol::text::quote;

/// How many bytes of an invalid line an error quotes.
const MAX_QUOTED: usize = 80;

/// A line of standard input that is not what a player can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// What was expected: a move or an action.
    expected: &'static str,
    line: String,
    reason: String,
}

impl LineError {
    /// The error that `line` is not what was `expected`.
    pub fn new(expected: &'static str, line: &[u8], reason: String) -> Self {
        Self { expected, line: quote(&line[..line.len().min(MAX_QUOTED)]), reason }
    }
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {} {}: {}", self.expected, self.line, self.reason)
    }
}

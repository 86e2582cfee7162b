use std::borrow::Cow;

use serde::Deserialize;
use thiserror::Error;

use crate::{PROTOCOL_VERSION, text::quote};

/// How many bytes of an unexpected line an error quotes.
const MAX_QUOTED: usize = 80;

/// The first line of a server is not one that this version can continue with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FirstLineError {
    /// It is not a line of a Tribune server.
    #[error("not a Tribune server: expected a welcome line, got {0}")]
    Unexpected(String),
    /// It is the welcome of another version of the protocol.
    #[error(
        "the server uses version {0} of the protocol, this client version {PROTOCOL_VERSION}: use a client of the server's version"
    )]
    Version(u64),
}

impl FirstLineError {
    /// The error for `line`, which is not a welcome.
    pub fn unexpected(line: &[u8]) -> Self {
        Self::Unexpected(quote(&line[..line.len().min(MAX_QUOTED)]))
    }
}

/// Checks that the first line of a server is `welcome` in this version of the protocol, or
/// `closing`. It reads only the fields that are the same in every version.
///
/// # Errors
/// If it is anything else.
pub fn check_first_line(line: &[u8]) -> Result<(), FirstLineError> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        protocol: Option<u64>,
    }
    let unexpected = || FirstLineError::unexpected(line);
    let head: Head<'_> = serde_json::from_slice(line).map_err(|_| unexpected())?;
    match (&*head.kind, head.protocol) {
        ("closing", _) => Ok(()),
        ("welcome", Some(version)) if version == u64::from(PROTOCOL_VERSION) => Ok(()),
        ("welcome", Some(version)) => Err(FirstLineError::Version(version)),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_this_version_with_any_further_fields() {
        assert_eq!(check_first_line(br#"{"type":"welcome","protocol":1,"new":[]}"#), Ok(()));
        assert_eq!(check_first_line(br#"{"type":"closing","code":"server_full"}"#), Ok(()));
    }

    #[test]
    fn names_another_version_without_reading_its_other_fields() {
        let error = check_first_line(br#"{"protocol":2,"type":"welcome"}"#).unwrap_err();
        assert_eq!(error, FirstLineError::Version(2));
        let message = error.to_string();
        assert!(message.contains("version 2") && message.contains("version 1"), "{message}");
    }

    #[test]
    fn quotes_unexpected_lines() {
        for line in [
            &b"HTTP/1.1 400 Bad Request"[..],
            b"",
            b"{}",
            br#"{"type":"welcome"}"#,
            br#"{"type":"clock","seq":1,"ms":0,"clock":0}"#,
            b"\x1b[2J\xff",
            &[b'x'; 10_000],
        ] {
            let error = check_first_line(line).unwrap_err();
            let FirstLineError::Unexpected(quoted) = &error else { panic!("{error}") };
            assert!(quoted.len() < 200 && !quoted.contains(char::is_control), "{quoted}");
        }
    }
}

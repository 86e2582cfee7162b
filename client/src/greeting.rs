use std::borrow::Cow;

use serde::Deserialize;
use thiserror::Error;
use tribune_cli::quote;
use tribune_protocol::PROTOCOL_VERSION;

/// How much of what a stranger sent is shown.
const SHOWN: usize = 80;

/// Why the first line of a server is not the greeting of one that this client understands.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GreetingError {
    /// It is from something else.
    #[error("this is no Tribune server: it sent {0} where a greeting was to come")]
    Stranger(String),
    /// It is a greeting of another version of the protocol.
    #[error(
        "the server speaks version {0} of the protocol, and this client version {PROTOCOL_VERSION}: use a client of the server's version"
    )]
    Version(u64),
}

impl GreetingError {
    /// Says that `sent` is no greeting.
    pub fn stranger(sent: &[u8]) -> Self {
        Self::Stranger(quote(&sent[..sent.len().min(SHOWN)]))
    }
}

/// Checks the first line that a server sent, before any other field of it is read: these two are
/// the same in every version.
///
/// # Errors
/// If it is neither a greeting of this version nor a reason to close.
pub fn check_greeting(line: &[u8]) -> Result<(), GreetingError> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        protocol: Option<u64>,
    }
    let stranger = || GreetingError::stranger(line);
    let head: Head<'_> = serde_json::from_slice(line).map_err(|_| stranger())?;
    match (&*head.kind, head.protocol) {
        ("closing", _) => Ok(()),
        ("welcome", Some(version)) if version == u64::from(PROTOCOL_VERSION) => Ok(()),
        ("welcome", Some(version)) => Err(GreetingError::Version(version)),
        _ => Err(stranger()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_of_this_version_is_one_whatever_else_it_says() {
        assert_eq!(check_greeting(br#"{"type":"welcome","protocol":1,"new":[]}"#), Ok(()));
        assert_eq!(check_greeting(br#"{"type":"closing","code":"server_full"}"#), Ok(()));
    }

    #[test]
    fn another_version_is_named_though_nothing_else_of_it_can_be_read() {
        let error = check_greeting(br#"{"protocol":2,"type":"welcome"}"#).unwrap_err();
        assert_eq!(error, GreetingError::Version(2));
        let message = error.to_string();
        assert!(message.contains("version 2") && message.contains("version 1"), "{message}");
    }

    #[test]
    fn a_stranger_is_quoted() {
        for line in [
            &b"HTTP/1.1 400 Bad Request"[..],
            b"",
            b"{}",
            br#"{"type":"welcome"}"#,
            br#"{"type":"clock","seq":1,"ms":0,"clock":0}"#,
            b"\x1b[2J\xff",
            &[b'x'; 10_000],
        ] {
            let error = check_greeting(line).unwrap_err();
            let GreetingError::Stranger(shown) = &error else { panic!("{error}") };
            assert!(shown.len() < 200 && !shown.contains(char::is_control), "{shown}");
        }
    }
}

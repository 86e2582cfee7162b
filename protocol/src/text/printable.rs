use std::{borrow::Cow, fmt::Write};

use crate::is_printable;

/// Replaces each character of `text` that is not [printable](is_printable) with an escape such as
/// `\u{9b}`, so that text from outside can neither control the terminal nor mislead the reader.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    push_printable(text, &mut escaped);
    Cow::Owned(escaped)
}

/// Puts arbitrary `bytes` into double quotes: [printable], with `\"`, `\\`, and `\xff` for bytes that
/// are not UTF-8.
pub fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for chunk in bytes.utf8_chunks() {
        for part in chunk.valid().split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(before) => {
                    push_printable(before, &mut quoted);
                    quoted.push('\\');
                    quoted.push_str(&part[before.len()..]);
                }
                None => push_printable(part, &mut quoted),
            }
        }
        for byte in chunk.invalid() {
            write!(quoted, "\\x{byte:02x}").expect("writing to a string cannot fail");
        }
    }
    quoted.push('"');
    quoted
}

fn push_printable(text: &str, escaped: &mut String) {
    for char in text.chars() {
        if is_printable(char) {
            escaped.push(char);
        } else {
            escaped.extend(char.escape_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_unprintable_characters() {
        assert_eq!(printable("Jürgen 李 🎲 \\ \""), "Jürgen 李 🎲 \\ \"");
        assert_eq!(
            printable("\u{1b}[2J\u{9b}1m\t\r\n\u{7f}"),
            "\\u{1b}[2J\\u{9b}1m\\t\\r\\n\\u{7f}"
        );
        assert_eq!(printable("a\u{202e}b\u{2028}\u{3164}"), "a\\u{202e}b\\u{2028}\\u{3164}");
    }

    #[test]
    fn quotes_arbitrary_bytes() {
        assert_eq!(quote("grüße".as_bytes()), r#""grüße""#);
        assert_eq!(quote(b"a\xff\x1b[2J\n\"\\"), r#""a\xff\u{1b}[2J\n\"\\""#);
        assert_eq!(quote("\u{3164}".as_bytes()), r#""\u{3164}""#);
        assert_eq!(quote(b""), r#""""#);
    }

    proptest! {
        #[test]
        fn output_is_always_printable(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            prop_assert!(printable(&text).chars().all(is_printable));
            prop_assert!(quote(text.as_bytes()).chars().all(is_printable));
            prop_assert!(quote(&bytes).chars().all(is_printable));
        }
    }
}

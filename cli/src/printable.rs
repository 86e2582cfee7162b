use std::{borrow::Cow, fmt::Write};

use tribune_protocol::is_printable;

/// `text` as people read it: with an escape such as `\u{9b}` in place of each character that is not
/// [printable](is_printable), so that text from outside neither steers the terminal nor misleads.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    push_printable(text, &mut shown);
    Cow::Owned(shown)
}

/// `bytes`, which may be anything, in quotation marks: [printable], with `\"`, `\\`, and `\xff` for
/// what is not text.
pub fn quote(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() + 2);
    shown.push('"');
    for chunk in bytes.utf8_chunks() {
        for part in chunk.valid().split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(before) => {
                    push_printable(before, &mut shown);
                    shown.push('\\');
                    shown.push_str(&part[before.len()..]);
                }
                None => push_printable(part, &mut shown),
            }
        }
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("memory takes everything");
        }
    }
    shown.push('"');
    shown
}

fn push_printable(text: &str, shown: &mut String) {
    for char in text.chars() {
        if is_printable(char) {
            shown.push(char);
        } else {
            shown.extend(char.escape_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_read_cannot_steer_or_mislead() {
        assert_eq!(printable("Jürgen 李 🎲 \\ \""), "Jürgen 李 🎲 \\ \"");
        assert_eq!(
            printable("\u{1b}[2J\u{9b}1m\t\r\n\u{7f}"),
            "\\u{1b}[2J\\u{9b}1m\\t\\r\\n\\u{7f}"
        );
        assert_eq!(printable("a\u{202e}b\u{2028}\u{3164}"), "a\\u{202e}b\\u{2028}\\u{3164}");
    }

    #[test]
    fn whatever_it_is_can_be_quoted() {
        assert_eq!(quote("grüße".as_bytes()), r#""grüße""#);
        assert_eq!(quote(b"a\xff\x1b[2J\n\"\\"), r#""a\xff\u{1b}[2J\n\"\\""#);
        assert_eq!(quote("\u{3164}".as_bytes()), r#""\u{3164}""#);
        assert_eq!(quote(b""), r#""""#);
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_is_unprintable(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..50)) {
            prop_assert!(printable(&text).chars().all(is_printable));
            prop_assert!(quote(text.as_bytes()).chars().all(is_printable));
            prop_assert!(quote(&bytes).chars().all(is_printable));
        }
    }
}

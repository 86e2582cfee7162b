use std::{borrow::Cow, io::Write};

use crate::is_printable;

/// Replaces each character of a line of JSON that is not [printable](is_printable) with a JSON escape
/// such as `\u009b`. To a parser the line means the same.
///
/// Bytes that are not UTF-8 become `\ufffd`. Control characters, which valid JSON has only as white
/// space between tokens, become spaces.
pub fn escape_json(line: &[u8]) -> Cow<'_, [u8]> {
    match first_unprintable(line) {
        None => Cow::Borrowed(line),
        Some(start) => {
            let mut escaped = line[..start].to_vec();
            push_escaped(&line[start..], &mut escaped);
            Cow::Owned(escaped)
        }
    }
}

/// Escapes the part of `out` from `start` on in the same way.
pub(crate) fn escape_json_from(start: usize, out: &mut Vec<u8>) {
    if let Some(first) = first_unprintable(&out[start..]) {
        let rest = out.split_off(start + first);
        push_escaped(&rest, out);
    }
}

/// The length of `text` in bytes as the content of a JSON string in an [encoded](crate::encode) line.
pub fn json_length(text: &str) -> usize {
    let length = |char: char| match char {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        char if is_printable(char) => char.len_utf8(),
        // As in `\u009b`.
        char => 6 * char.len_utf16(),
    };
    text.chars().map(length).sum()
}

/// The index of the first character that is not printable or not UTF-8.
fn first_unprintable(line: &[u8]) -> Option<usize> {
    // Most lines have none. This loop has no branches, so the compiler can vectorize it.
    let furthest = line.iter().fold(0, |most: u8, &byte| most.max(byte.wrapping_sub(b' ')));
    if furthest <= b'~' - b' ' {
        return None;
    }
    let mut start = 0;
    for chunk in line.utf8_chunks() {
        let found = chunk.valid().char_indices().find(|&(_, char)| !is_printable(char));
        if let Some((at, _)) = found {
            return Some(start + at);
        }
        start += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            return Some(start);
        }
    }
    None
}

fn push_escaped(line: &[u8], out: &mut Vec<u8>) {
    for chunk in line.utf8_chunks() {
        for char in chunk.valid().chars() {
            if is_printable(char) {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            } else if char < ' ' {
                out.push(b' ');
            } else {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("writing to memory cannot fail");
                }
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn escaped(line: &str) -> String {
        String::from_utf8(escape_json(line.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn escapes_unprintable_characters_only() {
        let cases = [
            (r#"{"line":"N ann, Jürgen 李 🎲 \u001b \"\\"}"#, None),
            ("\"\u{9b}31m\u{85}\u{7f}\"", Some(r#""\u009b31m\u0085\u007f""#)),
            ("\"é\u{202e}é\u{2028}\"", Some(r#""é\u202eé\u2028""#)),
            ("\"\u{3164}\u{e0041}\"", Some(r#""\u3164\udb40\udc41""#)),
            ("{\"a\":\r\t1}", Some(r#"{"a":  1}"#)),
        ];
        for (line, want) in cases {
            assert_eq!(escaped(line), want.unwrap_or(line));
        }
        assert_eq!(&*escape_json(b"\"a\x9bb\xe2\x80\""), br#""a\ufffdb\ufffd""#);
    }

    proptest! {
        #[test]
        fn json_length_is_the_encoded_length(text in ".*|[\0-\u{1f}\"\\\\\u{7f}-\u{9f}\u{e0041}]{0,20}") {
            let mut line = Vec::new();
            crate::encode(&text, &mut line);
            prop_assert_eq!(json_length(&text), line.len() - "\"\"\n".len());
        }

        #[test]
        fn escaped_lines_are_printable_and_mean_the_same(text in ".*", start in 0usize..20) {
            let json = serde_json::to_string(&text).unwrap();
            let escaped = escaped(&json);
            prop_assert!(escaped.chars().all(is_printable), "{escaped:?}");
            prop_assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), Value::String(text));

            let mut line = vec![0x9b; start];
            line.extend_from_slice(json.as_bytes());
            escape_json_from(start, &mut line);
            prop_assert_eq!(&line[start..], escaped.as_bytes());
        }

        #[test]
        fn whatever_bytes_it_is_given_it_is_printable(line in prop::collection::vec(any::<u8>(), 0..100)) {
            let escaped = escape_json(&line);
            prop_assert!(std::str::from_utf8(&escaped).unwrap().chars().all(is_printable));
        }
    }
}

use std::{fmt, mem};

/// A key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A character, which may be a control character.
    Char(char),
    /// The key to end a line.
    Enter,
    /// The tabulator key.
    Tab,
    /// The key that deletes the character before the cursor.
    Backspace,
    /// An arrow key.
    Up,
    /// An arrow key.
    Down,
    /// An arrow key.
    Left,
    /// An arrow key.
    Right,
    /// The escape key.
    Escape,
    /// Ctrl-D, which is not the end of input in cbreak mode.
    EndOfInput,
}

impl Key {
    /// The keys that have a name, and cannot be written as one visible character.
    pub const NAMED: [(Self, &str); 7] = [
        (Self::Char(' '), "space"),
        (Self::Enter, "enter"),
        (Self::Tab, "tab"),
        (Self::Up, "up"),
        (Self::Down, "down"),
        (Self::Left, "left"),
        (Self::Right, "right"),
    ];
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMED.iter().find(|(key, _)| key == self);
        match (name, self) {
            (Some((_, name)), _) => f.write_str(name),
            (None, Self::Char(char)) => write!(f, "{char}"),
            (None, key) => write!(f, "{key:?}"),
        }
    }
}

/// Decodes the bytes of a terminal into [`Key`]s.
///
/// A terminal sends an arrow key as `ESC [ A` or `ESC O A` (ECMA-48, and the xterm manual under
/// "PC-Style Function Keys"), and the escape key as `ESC` alone. Only the time between bytes distinguishes the two: see
/// [`has_escape`](Self::has_escape).
#[derive(Clone, Debug, Default)]
pub struct Keys {
    sequence: Sequence,
    /// The bytes of a character that has not arrived completely.
    incomplete: Vec<u8>,
}

/// How much of an escape sequence has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sequence {
    #[default]
    None,
    Escape,
    Parameters,
}

impl Keys {
    /// Decodes the next `bytes`.
    pub fn decode(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut all = mem::take(&mut self.incomplete);
        all.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut rest = all.len();
        for chunk in all.utf8_chunks() {
            keys.extend(chunk.valid().chars().filter_map(|char| self.next(char)));
            rest -= chunk.valid().len() + chunk.invalid().len();
            let is_incomplete = rest == 0
                && std::str::from_utf8(chunk.invalid())
                    .is_err_and(|error| error.error_len().is_none());
            if is_incomplete {
                self.incomplete = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                keys.extend(self.next(char::REPLACEMENT_CHARACTER));
            }
        }
        keys
    }

    /// Whether the last byte was `ESC`: either the escape key was pressed, or the rest of a sequence
    /// follows at once.
    pub fn has_escape(&self) -> bool {
        self.sequence == Sequence::Escape
    }

    /// Decodes the `ESC` of [`has_escape`](Self::has_escape), after which nothing followed, as the escape key.
    pub fn take_escape(&mut self) -> Option<Key> {
        self.has_escape().then(|| {
            self.sequence = Sequence::None;
            Key::Escape
        })
    }

    /// The key that `char` completes, if it does.
    fn next(&mut self, char: char) -> Option<Key> {
        match (self.sequence, char) {
            (Sequence::None, '\u{1b}') => {
                self.sequence = Sequence::Escape;
                None
            }
            (Sequence::Escape, '\u{1b}') => Some(Key::Escape),
            (Sequence::Escape, '[' | 'O') => {
                self.sequence = Sequence::Parameters;
                None
            }
            // Parameters, digits and semicolons, precede the final byte, which names the key.
            (Sequence::Parameters, '\u{20}'..='\u{3f}') => None,
            (Sequence::Parameters, _) => {
                self.sequence = Sequence::None;
                arrow(char)
            }
            _ => {
                self.sequence = Sequence::None;
                Some(single(char))
            }
        }
    }
}

/// The key that sends `char` alone.
fn single(char: char) -> Key {
    match char {
        '\r' | '\n' => Key::Enter,
        '\t' => Key::Tab,
        '\u{8}' | '\u{7f}' => Key::Backspace,
        '\u{4}' => Key::EndOfInput,
        _ => Key::Char(char),
    }
}

fn arrow(last: char) -> Option<Key> {
    match last {
        'A' => Some(Key::Up),
        'B' => Some(Key::Down),
        'C' => Some(Key::Right),
        'D' => Some(Key::Left),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(keys: &mut Keys, bytes: &str) -> String {
        let keys = keys.decode(bytes.as_bytes());
        keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn decodes_characters_and_control_keys() {
        let decoded = decode(&mut Keys::default(), "nÉ李 \n\r\t\u{7f}\u{8}\u{4}");
        assert_eq!(decoded, "n É 李 space enter enter tab Backspace Backspace EndOfInput");
    }

    #[test]
    fn decodes_arrow_keys_in_both_forms() {
        let mut keys = Keys::default();
        assert_eq!(decode(&mut keys, "\u{1b}[A\u{1b}[B\u{1b}[C\u{1b}[D"), "up down right left");
        assert_eq!(decode(&mut keys, "\u{1b}OA\u{1b}OB\u{1b}OC\u{1b}OD"), "up down right left");
        assert_eq!(decode(&mut keys, "\u{1b}[1;5A\u{1b}[3~n"), "up n");
        assert_eq!(decode(&mut keys, "\u{1b}n"), "n", "with the Alt key");
    }

    #[test]
    fn an_escape_that_nothing_follows_is_the_escape_key() {
        let mut keys = Keys::default();
        assert_eq!(decode(&mut keys, "n"), "n");
        assert_eq!(keys.take_escape(), None);
        assert_eq!(decode(&mut keys, "\u{1b}"), "");
        assert!(keys.has_escape());
        assert_eq!(keys.take_escape(), Some(Key::Escape));
        assert_eq!(decode(&mut keys, "[A"), "[ A");
        assert_eq!(decode(&mut keys, "\u{1b}\u{1b}[A"), "Escape up");
    }

    #[test]
    fn invalid_bytes_are_keys_without_a_meaning() {
        let mut keys = Keys::default();
        assert_eq!(
            keys.decode(b"n\xff\xe6\x9dn"),
            "n\u{fffd}\u{fffd}n".chars().map(Key::Char).collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn decodes_bytes_in_any_chunks(text in "[nsqé李\u{1b}\\[OA-D1;~x ]{0,30}", cut in 0usize..60) {
            let cut = cut.min(text.len());
            let whole = Keys::default().decode(text.as_bytes());
            let mut keys = Keys::default();
            let mut parts = keys.decode(&text.as_bytes()[..cut]);
            parts.extend(keys.decode(&text.as_bytes()[cut..]));
            prop_assert_eq!(parts, whole);
        }
    }
}

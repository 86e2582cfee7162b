use tribune_protocol::Direction;

/// A key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Move in this direction.
    Move(Direction),
    /// Leave the game.
    Quit,
    /// A key without a meaning.
    Other(char),
}

/// Decodes the bytes of a terminal into [`Key`]s: letters, arrow keys, and keys to quit.
///
/// A terminal sends an arrow key as `ESC [ A` or `ESC O A` (ECMA-48, and the xterm manual under
/// "PC-Style Function Keys").
#[derive(Clone, Debug, Default)]
pub struct Keys {
    sequence: Sequence,
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
        // All keys with a meaning are ASCII, so a character that is split makes no difference.
        String::from_utf8_lossy(bytes).chars().filter_map(|char| self.next(char)).collect()
    }

    fn next(&mut self, char: char) -> Option<Key> {
        match (self.sequence, char) {
            (Sequence::None | Sequence::Escape, '\u{1b}') => {
                self.sequence = Sequence::Escape;
                None
            }
            (Sequence::Escape, '[' | 'O') => {
                self.sequence = Sequence::Parameters;
                None
            }
            // Parameters, digits and semicolons, precede the final byte, which names the key.
            (Sequence::Parameters, '\u{20}'..='\u{3f}') => None,
            (Sequence::Parameters, _) => {
                self.sequence = Sequence::None;
                arrow(char).map(Key::Move)
            }
            _ => {
                self.sequence = Sequence::None;
                letter(char)
            }
        }
    }
}

fn letter(char: char) -> Option<Key> {
    match char.to_ascii_lowercase() {
        'n' | 'k' => Some(Key::Move(Direction::North)),
        's' | 'j' => Some(Key::Move(Direction::South)),
        'e' | 'l' => Some(Key::Move(Direction::East)),
        'w' | 'h' => Some(Key::Move(Direction::West)),
        // Ctrl-D, which is not the end of input in cbreak mode.
        'q' | '\u{4}' => Some(Key::Quit),
        _ if char.is_whitespace() => None,
        _ => Some(Key::Other(char)),
    }
}

fn arrow(last: char) -> Option<Direction> {
    match last {
        'A' => Some(Direction::North),
        'B' => Some(Direction::South),
        'C' => Some(Direction::East),
        'D' => Some(Direction::West),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The letters of the moves, `q` for quit, and `?` for other keys.
    fn decode(keys: &mut Keys, bytes: &str) -> String {
        let letter = |key| match key {
            Key::Move(direction) => direction.letter(),
            Key::Quit => 'q',
            Key::Other(_) => '?',
        };
        keys.decode(bytes.as_bytes()).into_iter().map(letter).collect()
    }

    #[test]
    fn decodes_letters() {
        assert_eq!(decode(&mut Keys::default(), "nsewhjklNx q\u{4}"), "NSEWWSNEN?qq");
    }

    #[test]
    fn decodes_arrow_keys_in_both_forms() {
        let mut keys = Keys::default();
        assert_eq!(decode(&mut keys, "\u{1b}[A\u{1b}[B\u{1b}[C\u{1b}[D"), "NSEW");
        assert_eq!(decode(&mut keys, "\u{1b}OA\u{1b}OB\u{1b}OC\u{1b}OD"), "NSEW");
        assert_eq!(decode(&mut keys, "\u{1b}[1;5A\u{1b}[3~n"), "NN");
        assert_eq!(decode(&mut keys, "\u{1b}\u{1b}[A\u{1b}n"), "NN");
    }

    proptest! {
        #[test]
        fn decodes_bytes_in_any_chunks(bytes in "[nsq\u{1b}\\[OA-D1;~x ]{0,30}", cut in 0usize..30) {
            let cut = cut.min(bytes.len());
            let whole = decode(&mut Keys::default(), &bytes);
            let mut keys = Keys::default();
            let parts = decode(&mut keys, &bytes[..cut]) + &decode(&mut keys, &bytes[cut..]);
            prop_assert_eq!(parts, whole);
        }
    }
}

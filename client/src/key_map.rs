use tribune_protocol::{Action, ActionText, Direction};

use crate::keys::Key;

/// A key and the action that it stands for, as in `--keys r=rock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBinding {
    key: Key,
    action: Action,
}

/// What a key press means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take this action.
    Act(Action),
    /// Begin to type a line.
    TypeLine,
    /// List the keys.
    ListKeys,
    /// Leave the game.
    Quit,
    /// No meaning, as for white space: it is ignored without a message.
    Ignore,
    /// No meaning.
    Unknown,
}

/// What each key means: the default keys for directions, and those of `--keys`.
#[derive(Clone, Debug)]
pub struct KeyMap {
    /// The last one for a key counts.
    bindings: Vec<KeyBinding>,
    has_own: bool,
}

impl KeyBinding {
    /// Parses `KEY=ACTION`.
    ///
    /// # Errors
    /// If either is invalid, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "expected KEY=ACTION, as in r=rock";
        let text = text.trim();
        // The key may be the equals sign itself.
        let equals = text.char_indices().skip(1).find(|(_, char)| *char == '=');
        let Some((at, _)) = equals else { return Err(FORM.to_owned()) };
        let (key, action) = (&text[..at], &text[at + 1..]);
        let key = parse_key(key).ok_or_else(|| {
            let names = Key::NAMED.map(|(_, name)| name).join(", ");
            format!("unknown key {key:?}: expected one character, or one of {names}")
        })?;
        if action.is_empty() {
            return Err(format!("no action for the key {key}: {FORM}"));
        }
        let action = ActionText::try_from(action).map_err(|error| error.to_string())?;
        Ok(Self { key, action: Action::Other(action) })
    }
}

fn parse_key(text: &str) -> Option<Key> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(char), None) => (!char.is_control() && char != ' ').then_some(Key::Char(char)),
        _ => Key::NAMED.iter().find(|(_, name)| *name == text).map(|(key, _)| *key),
    }
}

impl KeyMap {
    /// The default keys and `own`, which come before those.
    pub fn new(own: Vec<KeyBinding>) -> Self {
        let defaults = [
            (Direction::North, [Key::Char('n'), Key::Char('k'), Key::Up]),
            (Direction::South, [Key::Char('s'), Key::Char('j'), Key::Down]),
            (Direction::East, [Key::Char('e'), Key::Char('l'), Key::Right]),
            (Direction::West, [Key::Char('w'), Key::Char('h'), Key::Left]),
        ];
        let has_own = !own.is_empty();
        let defaults = defaults.into_iter().flat_map(|(direction, keys)| {
            keys.map(|key| KeyBinding { key, action: Action::Move(direction) })
        });
        Self { bindings: defaults.chain(own).collect(), has_own }
    }

    /// Whether there are keys besides the default ones.
    pub fn has_own(&self) -> bool {
        self.has_own
    }

    /// What `key` means. A letter in upper case means the same as in lower case, unless it has a meaning
    /// of its own.
    pub fn command(&self, key: Key) -> Command {
        let action = self.action(key).or_else(|| self.action(lower_case(key)));
        match (action, lower_case(key)) {
            (Some(action), _) => Command::Act(action.clone()),
            (None, Key::Char('q') | Key::EndOfInput) => Command::Quit,
            (None, Key::Char(':') | Key::Enter) => Command::TypeLine,
            (None, Key::Char('?')) => Command::ListKeys,
            (None, Key::Char(char)) if !char.is_whitespace() => Command::Unknown,
            (None, Key::Backspace) => Command::Unknown,
            (None, _) => Command::Ignore,
        }
    }

    /// All keys with their meanings, in one line.
    pub fn describe(&self) -> String {
        let mut groups: Vec<(String, Vec<Key>)> = Vec::new();
        let fixed = [Key::Char(':'), Key::Enter, Key::Char('?'), Key::Char('q')];
        for key in self.bindings.iter().map(|binding| binding.key).chain(fixed) {
            let meaning = match self.command(key) {
                Command::Act(action) => action.to_string(),
                Command::TypeLine => "type a line".to_owned(),
                Command::ListKeys => "list the keys".to_owned(),
                Command::Quit => "leave".to_owned(),
                Command::Ignore | Command::Unknown => continue,
            };
            match groups.iter_mut().find(|(known, _)| *known == meaning) {
                Some((_, keys)) if keys.contains(&key) => {}
                Some((_, keys)) => keys.push(key),
                None => groups.push((meaning, vec![key])),
            }
        }
        let groups = groups.into_iter().map(|(meaning, keys)| {
            let keys: Vec<String> = keys.iter().map(Key::to_string).collect();
            format!("{} = {meaning}", keys.join(" "))
        });
        format!("keys: {}", groups.collect::<Vec<_>>().join(", "))
    }

    /// The message at the start: how to play.
    pub fn introduction(&self) -> String {
        if self.has_own {
            return self.describe();
        }
        "n s e w, h j k l or the arrow keys move, : types a line, ? lists the keys, q quits"
            .to_owned()
    }

    fn action(&self, key: Key) -> Option<&Action> {
        self.bindings.iter().rev().find(|binding| binding.key == key).map(|binding| &binding.action)
    }
}

fn lower_case(key: Key) -> Key {
    match key {
        Key::Char(char) => Key::Char(char.to_ascii_lowercase()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(bindings: &[&str]) -> KeyMap {
        KeyMap::new(bindings.iter().map(|text| KeyBinding::parse(text).unwrap()).collect())
    }

    fn action(map: &KeyMap, key: Key) -> Option<String> {
        match map.command(key) {
            Command::Act(action) => Some(action.to_string()),
            _ => None,
        }
    }

    #[test]
    fn letters_and_arrows_are_directions() {
        let map = map(&[]);
        let keys = "nsewkjlhNSEW".chars().map(Key::Char);
        let keys = keys.chain([Key::Up, Key::Down, Key::Right, Key::Left]);
        let actions: String = keys.map(|key| action(&map, key).unwrap()).collect();
        assert_eq!(actions, "NSEWNSEWNSEWNSEW");
        for (key, command) in [
            (Key::Char('q'), Command::Quit),
            (Key::Char('Q'), Command::Quit),
            (Key::EndOfInput, Command::Quit),
            (Key::Char(':'), Command::TypeLine),
            (Key::Enter, Command::TypeLine),
            (Key::Char('?'), Command::ListKeys),
            (Key::Char(' '), Command::Ignore),
            (Key::Escape, Command::Ignore),
            (Key::Char('x'), Command::Unknown),
        ] {
            assert_eq!(map.command(key), command, "{key}");
        }
    }

    #[test]
    fn own_keys_come_before_the_default_keys() {
        let map = map(&["s=scissors", "space=bid 10", "q=quit now", "==equal", "S=x", "S=stop"]);
        for (key, want) in [
            (Key::Char('s'), "scissors"),
            (Key::Char('S'), "stop"),
            (Key::Char(' '), "bid 10"),
            (Key::Char('Q'), "quit now"),
            (Key::Char('='), "equal"),
            (Key::Char('n'), "N"),
        ] {
            assert_eq!(action(&map, key).as_deref(), Some(want));
        }
        assert_eq!(map.command(Key::EndOfInput), Command::Quit);
    }

    #[test]
    fn describes_all_keys() {
        assert_eq!(
            map(&["r=rock", "s=scissors", "enter=rock", "?=what"]).describe(),
            "keys: n k up = N, s = scissors, j down = S, e l right = E, w h left = W, \
             r enter = rock, ? = what, : = type a line, q = leave"
        );
    }

    #[test]
    fn explains_invalid_bindings() {
        for (text, part) in [
            ("r", "expected KEY=ACTION, as in r=rock"),
            ("", "expected KEY=ACTION"),
            ("=", "expected KEY=ACTION"),
            ("r=", "no action for the key r: expected KEY=ACTION"),
            ("rr=rock", "unknown key \"rr\": expected one character, or one of space, enter"),
            ("r=a  b", "invalid action \"a  b\""),
            ("\u{7}=x", "unknown key"),
        ] {
            let error = KeyBinding::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

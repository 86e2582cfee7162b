use std::path::Path;

use tribune_protocol::{is_printable, text::printable};

/// The maximum length of the title of a program, in characters. Every `state` line contains the titles of all
/// running programs.
const MAX_CHARS: usize = 64;

/// The expected form of a title, for error messages.
pub const TITLE_FORM: &str = "1 to 64 characters in quotation marks, none of them invisible";

/// Whether `text` can be the title of a program.
pub fn is_title(text: &str) -> bool {
    let length = text.chars().count();
    (1..=MAX_CHARS).contains(&length) && text.chars().all(is_printable) && !text.trim().is_empty()
}

/// The default title of a program: the last component of its `path`, escaped and shortened if
/// necessary.
pub fn title_of(path: &str) -> String {
    let name = Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy());
    let name = printable(&name);
    if name.chars().count() <= MAX_CHARS {
        return name.into_owned();
    }
    name.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_short_and_printable() {
        for text in ["x", "the house team", "Jürgen's 李", &"n".repeat(64), &"é".repeat(64)] {
            assert!(is_title(text), "{text:?}");
        }
        for text in ["", " ", "a\nb", "\u{1b}[2J", "a\u{202e}b", "\u{3164}", &"n".repeat(65)] {
            assert!(!is_title(text), "{text:?}");
        }
    }

    #[test]
    fn default_title_is_the_last_component_of_the_path() {
        assert_eq!(title_of("/usr/bin/python3"), "python3");
        assert_eq!(title_of("/"), "/");
        assert_eq!(title_of("a\u{1b}b"), "a\\u{1b}b");
        assert_eq!(title_of(&"n".repeat(300)), format!("{}…", "n".repeat(63)));
    }
}

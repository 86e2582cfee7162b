use std::path::Path;

use tribune_cli::printable;
use tribune_protocol::is_printable;

/// The most characters of the title of a program. Every `state` line has the titles of all programs
/// that run.
const MAX_CHARS: usize = 64;

/// What is right for a title, as a complaint says it.
pub const TITLE_FORM: &str = "1 to 64 characters in quotation marks, none of them invisible";

/// Whether `text` may be the title of a program.
pub fn is_title(text: &str) -> bool {
    let length = text.chars().count();
    (1..=MAX_CHARS).contains(&length) && text.chars().all(is_printable) && !text.trim().is_empty()
}

/// The title of a program that has none of its own: the last part of `path`, as far as it can be
/// shown.
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
    fn a_title_is_short_and_can_be_read() {
        for text in ["x", "the house team", "Jürgen's 李", &"n".repeat(64), &"é".repeat(64)] {
            assert!(is_title(text), "{text:?}");
        }
        for text in ["", " ", "a\nb", "\u{1b}[2J", "a\u{202e}b", "\u{3164}", &"n".repeat(65)] {
            assert!(!is_title(text), "{text:?}");
        }
    }

    #[test]
    fn a_program_is_titled_by_the_last_part_of_its_path() {
        assert_eq!(title_of("/usr/bin/python3"), "python3");
        assert_eq!(title_of("/"), "/");
        assert_eq!(title_of("a\u{1b}b"), "a\\u{1b}b");
        assert_eq!(title_of(&"n".repeat(300)), format!("{}…", "n".repeat(63)));
    }
}

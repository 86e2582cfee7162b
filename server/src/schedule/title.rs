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

/// Programs that run a file which is named by one of their arguments. A version may follow, as in
/// `python3.12`.
const INTERPRETERS: [&str; 21] = [
    "awk", "bash", "bun", "dash", "deno", "gawk", "go", "java", "julia", "ksh", "lua", "mawk",
    "node", "perl", "php", "pypy", "python", "Rscript", "ruby", "sh", "tclsh",
];

/// Programs that run the command which their arguments end with.
const WRAPPERS: [&str; 6] = ["env", "nice", "nohup", "setsid", "stdbuf", "timeout"];

/// The default title of the program that `words` run: the last component of the path of the file that
/// an interpreter runs, and otherwise of the program file. It is escaped and shortened if necessary.
pub fn title_of(words: &[String]) -> String {
    let title = printable(file_name(main_word(words))).into_owned();
    if title.chars().count() <= MAX_CHARS {
        return title;
    }
    title.chars().take(MAX_CHARS - 1).chain(['…']).collect()
}

/// The word that names the program that is run.
fn main_word(words: &[String]) -> &str {
    let Some((program, arguments)) = words.split_first() else { return "" };
    let name = file_name(program);
    if WRAPPERS.contains(&name) {
        let is_argument = |word: &String| {
            word.starts_with(|char: char| char == '-' || char.is_ascii_digit())
                || word.contains('=')
        };
        let command = arguments.iter().position(|word| !is_argument(word));
        return command.map_or(program, |first| main_word(&arguments[first..]));
    }
    let without_version = name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
    let file = INTERPRETERS.contains(&without_version).then(|| script_file(arguments)).flatten();
    file.unwrap_or(program)
}

/// The file that an interpreter runs with `arguments`: the first one that looks like a file, unless a
/// text is run as a program.
fn script_file(arguments: &[String]) -> Option<&str> {
    let is_text = |word: &&String| ["-c", "-e", "-E", "-r", "--eval"].contains(&word.as_str());
    let is_file =
        |word: &&String| !word.starts_with('-') && (word.contains('.') || word.contains('/'));
    let file = arguments.iter().take_while(|word| !is_text(word)).find(is_file)?;
    Some(file)
}

fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path)
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

    fn title(command: &str) -> String {
        title_of(&shell_words::split(command).unwrap())
    }

    #[test]
    fn default_title_is_the_last_component_of_the_path() {
        assert_eq!(title("/opt/bots/left.sh x.y"), "left.sh");
        assert_eq!(title("/"), "/");
        assert_eq!(title("a\u{1b}b"), "a\\u{1b}b");
        assert_eq!(title(&"n".repeat(300)), format!("{}…", "n".repeat(63)));
        assert_eq!(title_of(&[]), "");
    }

    #[test]
    fn default_title_of_an_interpreter_is_the_file_that_it_runs() {
        for (command, want) in [
            ("python3 bot.py", "bot.py"),
            ("/usr/bin/python3.12 -u 'bots/my bot.py' --level 2.5", "my bot.py"),
            ("node --enable-source-maps ./dist/bot", "bot"),
            ("java -jar bot.jar", "bot.jar"),
            ("env LEVEL=3 python3 bot.py", "bot.py"),
            ("timeout 60 stdbuf -oL ./bot", "bot"),
            ("go run bot.go", "bot.go"),
            ("awk -f bot.awk", "bot.awk"),
            ("python3", "python3"),
            ("python3 -m mybot", "python3"),
            ("sh -c './bot.sh'", "sh"),
            ("perl -e 'print 1.5'", "perl"),
            ("env", "env"),
        ] {
            assert_eq!(title(command), want, "{command}");
        }
    }
}

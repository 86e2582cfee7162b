//! Errors of the TOML syntax, in terms of scenarios rather than of the library.

use std::ops::Range;

use super::{
    fields::{Problem, line_at},
    program_table::form_of,
};

/// The most characters of a line in an error message.
const SHOWN: usize = 60;

/// What errors of the library mean, by how their messages begin. The first that fits counts.
const MEANINGS: [(&str, Meaning); 22] = [
    ("duplicate key", Meaning::Duplicate),
    ("cannot extend", Meaning::Duplicate),
    ("string values must be quoted", Meaning::Value("")),
    ("invalid boolean", Meaning::Value("")),
    ("key with no value", Meaning::Line("expected KEY = VALUE, as in at = 0.5")),
    ("missing value", Meaning::Line("expected KEY = VALUE, as in at = 0.5")),
    ("invalid key-value pair", Meaning::Line("expected KEY = VALUE, as in at = 0.5")),
    ("extra `=`", Meaning::Line("expected KEY = VALUE, as in at = 0.5")),
    ("unquoted keys cannot be empty", Meaning::Line("expected a key, as in at = 0.5")),
    ("missing table open", Meaning::Line("expected KEY = VALUE or [[worker]]")),
    ("unclosed array table", Meaning::Line("expected [[worker]]")),
    ("unclosed table", Meaning::Line("expected [[worker]]")),
    ("unclosed array", Meaning::Value("the list has no ] at its end")),
    ("unclosed inline table", Meaning::Value("the table has no } at its end")),
    ("missing comma", Meaning::Value("a comma or a closing bracket is missing")),
    ("extra assignment", Meaning::Value("a comma is missing before the next key")),
    ("missing assignment", Meaning::Value("expected KEY = VALUE between { and }")),
    ("missing escaped value", Meaning::Value("after \\, expected one of b e f n r t x u U \\ \"")),
    (
        "unexpected key or value",
        Meaning::Value("expected nothing after the value, except a comment that begins with #"),
    ),
    ("carriage return", Meaning::Line("expected a line end after the carriage return")),
    ("cannot recurse", Meaning::Line("expected less brackets within brackets")),
    ("recursion limit", Meaning::Line("expected less brackets within brackets")),
];

/// The meaning of an error of the library.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    /// A key has two values.
    Duplicate,
    /// The whole line is invalid: what is expected.
    Line(&'static str),
    /// The value in this line is invalid: why. If that is empty, the form of the value says it.
    Value(&'static str),
}

/// The problem with the TOML `text` that the library describes by `message`, and has found at `span`.
pub(super) fn syntax_problem(text: &str, message: &str, span: Option<Range<usize>>) -> Problem {
    let span = span.unwrap_or_default();
    let meaning = MEANINGS.iter().find(|(begin, _)| message.starts_with(begin));
    let line = shortened(line_at(text, span.start));
    let problem = match meaning.map(|&(_, meaning)| meaning) {
        Some(Meaning::Duplicate) => duplicate(text.get(span.clone()).unwrap_or_default()),
        Some(Meaning::Line(expected)) => format!("invalid line {line}: {expected}"),
        Some(Meaning::Value(reason)) => invalid_value(text, span.start, reason),
        None => invalid_value(text, span.start, &plain(message)),
    };
    Problem { offset: span.start, text: problem }
}

fn duplicate(key: &str) -> String {
    match key {
        "worker" => {
            "duplicate key worker: expected either one list, worker = […], or tables [[worker]]"
                .into()
        }
        key => format!("duplicate key {}: expected each key once in a table", shortened(key)),
    }
}

/// The problem with the value at `offset`, whose form is known if its key is.
fn invalid_value(text: &str, offset: usize, reason: &str) -> String {
    let Some((key, value, form)) = known_field(text, offset) else {
        let reason = if reason.is_empty() { "text needs quotation marks" } else { reason };
        return format!("invalid line {}: {reason}", shortened(line_at(text, offset)));
    };
    let value = shortened(value);
    if reason.is_empty() {
        format!("invalid {key} = {value}: expected {form}")
    } else {
        format!("invalid {key} = {value}: {reason}; expected {form}")
    }
}

/// The key, the written value and the form of the field at `offset`, if its key is one of a program.
fn known_field(text: &str, offset: usize) -> Option<(&str, &str, &'static str)> {
    let line = line_at(text, offset);
    // The fields of a table in braces begin after a brace or a comma.
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind(['\n', '{', ',']).map_or(0, |at| at + 1);
    let in_braces = before[..start].ends_with(['{', ',']);
    let inner = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
    let inner = if in_braces { inner.split([',', '}']).next().unwrap_or_default() } else { inner };
    [inner, line].into_iter().find_map(|field| {
        let (key, value) = field.split_once('=')?;
        let key = key.trim();
        Some((key, value.trim(), form_of(key)?))
    })
}

/// A `message` of the library with fewer of its own words.
fn plain(message: &str) -> String {
    if message.starts_with("invalid basic string, expected `\"`")
        || message.starts_with("invalid literal string, expected `'`")
        || message.starts_with("invalid multi-line")
    {
        return "the closing quotation mark is missing".into();
    }
    if message.contains("string, expected non-") {
        return "it contains an invisible character, which is written as in \\u0007".into();
    }
    let message = message.trim().trim_end_matches(", expected nothing").replace('\n', ", ");
    let message = message.replace("mantissa", "number").replace("fraction", "number");
    message.replace("redundant numeric sign", "a second sign")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::DeTable;

    use super::*;

    fn problem(text: &str) -> Option<(usize, String)> {
        let error = DeTable::parse(text).err()?;
        let problem = syntax_problem(text, error.message(), error.span());
        let line = text[..problem.offset.min(text.len())].matches('\n').count() + 1;
        Some((line, problem.text))
    }

    #[test]
    fn errors_name_the_key_and_the_right_form() {
        let cases = [
            ("at = 0\nat = 1", 2, "duplicate key at: expected each key once in a table"),
            ("worker = []\n[[worker]]", 2, "duplicate key worker: expected either one list, "),
            ("at = soon", 1, "invalid at = soon: expected a number of seconds from 0 to "),
            ("at =", 1, "invalid at = : expected a number of seconds"),
            ("at = 0,5", 1, "invalid at = 0,5: expected nothing after the value, except "),
            ("at = 00.5", 1, "invalid at = 00.5: unexpected leading zero; expected a number of s"),
            ("at = .5", 1, "invalid at = .5: invalid number, expected digits; expected a number"),
            ("\nat", 2, "invalid line at: expected KEY = VALUE, as in at = 0.5"),
            ("at: 0", 1, "invalid line at: 0: expected KEY = VALUE, as in at = 0.5"),
            ("max restarts = 3", 1, "invalid line max restarts = 3: expected KEY = VALUE, "),
            ("= 3", 1, "invalid line = 3: expected a key, as in at = 0.5"),
            ("{\"worker\": []}", 1, "invalid line {\"worker\": []}: expected KEY = VALUE, "),
            ("[[worker]\nat = 0", 1, "invalid line [[worker]: expected [[worker]]"),
            ("[[worker]] at = 0", 1, "invalid line [[worker]] at = 0: expected nothing after the"),
            ("restart = always", 1, "invalid restart = always: expected \"never\", \"on-failure\""),
            ("restart = True", 1, "invalid restart = True: expected \"never\", \"on-failure\""),
            ("name = bob the 3rd", 1, "invalid name = bob the 3rd: expected 1 to 64 characters in"),
            (
                "command = \"python3 bot.py",
                1,
                "invalid command = \"python3 bot.py: the closing quotation mark is missing; expected a",
            ),
            (
                "command = [\"python3\", \"bot.py\"",
                1,
                "invalid command = [\"python3\", \"bot.py\": the list has no ] at its end; expected",
            ),
            (
                "command = [\"python3\" \"bot.py\"]",
                1,
                "invalid command = [\"python3\" \"bot.py\"]: a comma or a closing bracket is missing; ",
            ),
            (
                "worker = [\n  { at = 0, predef = 1 },\n  { at = 1, predef = two },\n]",
                3,
                "invalid predef = two: expected 1, 2, 3 or 4",
            ),
            (
                "worker = [\n  { at = 1 predef = 2 },\n]",
                2,
                "invalid at = 1 predef = 2: a comma is missing before the next key; expected a num",
            ),
            ("dir = C:\\bots", 1, "invalid dir = C:\\bots: expected a folder, as in \"bots\""),
            ("dir = \"C:\\qots\"", 1, "invalid dir = \"C:\\qots\": after \\, expected one of b e"),
            ("colour = red", 1, "invalid line colour = red: text needs quotation marks"),
        ];
        for (text, line, want) in cases {
            let (found, problem) = problem(text).unwrap();
            assert!(problem.starts_with(want), "{problem}\nis not\n{want}");
            assert_eq!(found, line, "{problem}");
        }
        let (_, long) = problem(&format!("at = {}", "x".repeat(5000))).unwrap();
        assert!(long.len() < 250, "{long}");
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "([a-z=\\[\\]{},\"'\\\\#\n .0-9é]|at = |worker|\\[\\[){0,40}") {
            let _ = problem(&text);
        }
    }
}

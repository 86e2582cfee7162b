//! Files and functions of the workspace are short enough to be read at a glance.

#![allow(clippy::unwrap_used, reason = "what is missing fails the test")]

mod source;

use std::path::Path;

use source::{first_word, is_word, only_code, rust_files};

/// The most lines of a file.
const MAX_FILE: usize = 400;

/// The most lines of a function, from its name to its closing brace.
const MAX_FUNCTION: usize = 60;

/// The functions of `source` that have a body: their names, and how many lines each has.
fn functions(source: &str) -> Vec<(String, usize)> {
    let code = only_code(source);
    let mut functions = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let name = first_word(&code[at + "fn ".len()..]);
        // Neither the end of another word nor the type of a function.
        if code[..at].ends_with(is_word) || name.is_empty() {
            continue;
        }
        if let Some(length) = body_end(&code[at..]) {
            functions.push((name.to_owned(), code[at..at + length].lines().count()));
        }
    }
    functions
}

/// Where the body of the function that `code` begins with ends; `None` if it has none.
fn body_end(code: &str) -> Option<usize> {
    // Braces within the brackets of the signature belong to it, as does the semicolon of an array.
    let (mut brackets, mut braces) = (0, 0);
    for (at, char) in code.char_indices() {
        match char {
            '(' | '[' if braces == 0 => brackets += 1,
            ')' | ']' if braces == 0 => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' if brackets == 0 => braces += 1,
            '}' if brackets == 0 => {
                braces -= 1;
                if braces == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn no_file_or_function_is_too_long() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut too_long = Vec::new();
    let mut count = 0;
    for (path, source) in rust_files(workspace) {
        let path = path.strip_prefix(workspace).unwrap().display();
        let lines = source.lines().count();
        if lines > MAX_FILE {
            too_long.push(format!("{path} has {lines} lines, of which {MAX_FILE} are allowed"));
        }
        for (name, lines) in functions(&source) {
            count += 1;
            if lines > MAX_FUNCTION {
                too_long.push(format!(
                    "{path}: {name} has {lines} lines, of which {MAX_FUNCTION} are allowed"
                ));
            }
        }
    }
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
    assert!(count > 1000, "only {count} functions were found: this test reads them wrongly");
}

#[test]
fn functions_are_counted_in_every_form() {
    let source = r#"
fn short() {}
pub const fn with_array(a: [u8; 4], f: fn(u8) -> u8) -> usize
where
    [(); 3]: Sized,
{
    match a { [1, ..] => { "}" }.len(), _ => 0 }
}
trait Trait {
    fn declared(&self, b: [u8; 2]) -> bool;
    fn with_body<'a>(&'a self) -> char {
        fn inner() {
            // }
        }
        '}'
    }
}
"#;
    let want = [("short", 1), ("with_array", 6), ("with_body", 6), ("inner", 3)];
    assert_eq!(functions(source), want.map(|(name, lines)| (name.to_owned(), lines)));
}

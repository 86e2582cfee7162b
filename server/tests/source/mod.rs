//! Reading source files as text, as far as tests of the code's structure need it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// All `.rs` files below `folder`, without those that cargo generates, with their texts.
pub fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files.sort();
    files
}

/// `source` with spaces for every character of comments, strings and character literals, so that
/// words and brackets in it are code. Lines stay where they are.
pub fn only_code(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = literal_length(rest, code.chars().last());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (literal, after) = rest.split_at(length);
            code.extend(literal.chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
            rest = after;
        }
    }
    code
}

/// The length of the comment, string or character literal that `text` begins with; 0 if there is
/// none. `before` is the character before it.
fn literal_length(text: &str, before: Option<char>) -> usize {
    if text.starts_with("//") {
        return text.find('\n').unwrap_or(text.len());
    }
    if text.starts_with("/*") {
        return text.find("*/").map_or(text.len(), |end| end + 2);
    }
    if !before.is_some_and(is_word) {
        let prefix = ["br", "cr", "r"].into_iter().find(|prefix| text.starts_with(prefix));
        if let Some(length) = prefix.and_then(|prefix| raw_string_length(text, prefix.len())) {
            return length;
        }
    }
    if let Some(string) = text.strip_prefix('"') {
        return 1 + end_of_escaped(string, '"');
    }
    match text.strip_prefix('\'') {
        Some(char) if char.starts_with('\\') => 1 + end_of_escaped(char, '\''),
        // Otherwise it is a lifetime.
        Some(char) if char.chars().nth(1) == Some('\'') => {
            2 + char.chars().next().map_or(0, char::len_utf8)
        }
        _ => 0,
    }
}

/// The length of the raw string that `text` is, after a prefix of `prefix` bytes.
fn raw_string_length(text: &str, prefix: usize) -> Option<usize> {
    let hashes = text[prefix..].bytes().take_while(|&byte| byte == b'#').count();
    let start = prefix + hashes;
    let body = text[start..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&end).map_or(text.len(), |at| start + 1 + at + end.len()))
}

/// How long `text` is up to and with the first `quote` that is not escaped.
fn end_of_escaped(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, char) in text.char_indices() {
        if !is_escaped && char == quote {
            return at + 1;
        }
        is_escaped = !is_escaped && char == '\\';
    }
    text.len()
}

pub fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The word that `text` begins with; empty if it does not.
pub fn first_word(text: &str) -> &str {
    text.split(|char| !is_word(char)).next().unwrap_or_default()
}

#[test]
fn strings_and_comments_are_not_code() {
    let source = r##"a // { b
"{ \" {" c /* { */ 'd' '{' '\'' &'e f r#"{ "{"# b"{" br"\" g = "é{" r"#"##;
    let code = only_code(source);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "c", "&'e", "f", "b", "g", "="]);
    assert_eq!(code.lines().count(), source.lines().count());
}

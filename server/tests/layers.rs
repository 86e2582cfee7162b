//! The modules of the server are in layers, and each uses only modules of layers below its own.

#![allow(clippy::unwrap_used, reason = "what is missing fails the test")]

mod source;

use std::path::{Path, PathBuf};

use source::{first_word, is_word, only_code, rust_files};

/// From the bottom up. Modules of the same layer do not use each other.
const LAYERS: &[&[&str]] = &[
    &["limits", "log", "rules", "schedule"],
    &["outcome"],
    &["game"],
    &["descriptors"],
    &["messages", "observer", "proc_stat", "referee_input", "shutdown", "tasks"],
    &["feed", "logging"],
    &["edge", "game_loop", "programs"],
    &["web"],
    &["echo", "settings"],
    &["server"],
    &["operator", "try_bot"],
    &["args"],
    &["run_command"],
    &["lib"],
];

/// The lowest layers are pure: they know no runtime, no file and no clock.
const PURE_LAYERS: usize = 3;

/// What a pure module may not mention.
const IMPURE: [&str; 3] = ["tokio", "SystemTime", "Instant::now"];

/// What of the standard library a pure module may not use.
const IMPURE_STD: [&str; 5] = ["env", "fs", "net", "process", "thread"];

/// Modules that do not use each other, although the order of layers would allow it.
const INDEPENDENT: &[(&str, &[&str])] = &[
    ("feed", &["game", "limits", "rules", "schedule"]),
    ("edge", &["log", "rules", "schedule"]),
    ("log", &["game"]),
    ("web", &["game", "log", "rules", "schedule"]),
];

/// The code of all modules, without tests, by the path of each module: `["edge", "session"]`.
fn modules() -> Vec<(Vec<String>, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = Vec::new();
    for (file, source) in rust_files(&folder) {
        let path = module_path(file.strip_prefix(&folder).unwrap());
        if path != ["main"] && !path.contains(&"tests".to_owned()) {
            let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            modules.push((path, only_code(source)));
        }
    }
    modules
}

/// The path of the module in `file`.
fn module_path(file: &Path) -> Vec<String> {
    let parts = file.with_extension("");
    let mut parts: Vec<String> =
        parts.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

fn layer_of(module: &str) -> usize {
    let layer = LAYERS.iter().position(|modules| modules.contains(&module));
    layer.unwrap_or_else(|| panic!("{module} is in no layer: give it one in this test"))
}

/// The modules of the crate that the module at `path` names in `code`, by paths that begin with
/// `crate`, `self` or `super`.
fn used(path: &[&str], code: &str) -> Vec<String> {
    // `lib` is the root of the crate, whose modules are its children.
    let from = if path == ["lib"] { &[] } else { path };
    let roots = ["crate", "self", "super"].into_iter();
    let paths = roots.flat_map(|root| paths_from(root, code));
    paths.filter_map(|path| resolve(from, &path)).collect()
}

/// All paths in `code` that begin with `root`.
fn paths_from<'a>(root: &str, code: &'a str) -> Vec<Vec<&'a str>> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices(root) {
        let (before, after) = (&code[..at], &code[at + root.len()..]);
        let is_root = !before.ends_with(is_word)
            && !before.trim_end().ends_with("::")
            && !is_in_path_group(before);
        if is_root && after.trim_start().starts_with("::") {
            paths.extend(expand(&code[at..]));
        }
    }
    paths
}

/// Whether the end of `before` is within the braces of a longer path, as after `super::{a, `.
fn is_in_path_group(before: &str) -> bool {
    let mut depth = 0;
    for (at, char) in before.char_indices().rev() {
        match char {
            '}' => depth += 1,
            '{' if depth == 0 => return before[..at].trim_end().ends_with("::"),
            '{' => depth -= 1,
            ';' if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// All paths that the tree of paths stands for that `text` begins with, such as `a::{b, c::d}`.
fn expand(text: &str) -> Vec<Vec<&str>> {
    let text = text.trim_start();
    if let Some(list) = text.strip_prefix('{') {
        return split_list(list).into_iter().flat_map(expand).collect();
    }
    let word = first_word(text);
    let rest = text[word.len()..].trim_start();
    match rest.strip_prefix("::") {
        Some(rest) if !word.is_empty() => {
            let paths = expand(rest);
            paths.into_iter().map(|path| [vec![word], path].concat()).collect()
        }
        _ => vec![vec![word]],
    }
}

/// The items of `list`, up to the brace that closes it.
fn split_list(list: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, char) in list.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&list[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

/// The module of the crate that `path` is in, seen from the module at `from`; `None` if it is the
/// crate itself.
fn resolve(from: &[&str], path: &[&str]) -> Option<String> {
    let mut absolute: Vec<&str> = from.to_vec();
    for &part in path {
        match part {
            "crate" => absolute.clear(),
            "super" => drop(absolute.pop()),
            "self" => {}
            name => absolute.push(name),
        }
    }
    let module = absolute.first().filter(|module| !module.is_empty())?;
    // Types and functions of the root are re-exported from modules.
    module.starts_with(char::is_lowercase).then(|| (*module).to_owned())
}

#[test]
fn each_module_uses_only_what_is_below_it() {
    let mut uses = 0;
    for (path, code) in modules() {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let module = path[0];
        for other in used(&path, &code).into_iter().filter(|other| other != module) {
            uses += 1;
            let path = path.join("::");
            let is_below = layer_of(&other) < layer_of(module);
            assert!(is_below, "{path} uses {other}, which is not below {module}");
            let independent = INDEPENDENT.iter().find(|(name, _)| *name == module);
            let is_allowed = !independent.is_some_and(|(_, list)| list.contains(&&*other));
            assert!(is_allowed, "{path} uses {other}, of which {module} is to know nothing");
        }
    }
    assert!(uses > 50, "only {uses} uses were found: this test reads them wrongly");
}

#[test]
fn every_layer_is_of_modules_that_exist() {
    let modules: Vec<String> = modules().into_iter().map(|(path, _)| path[0].clone()).collect();
    for name in LAYERS.iter().copied().flatten() {
        assert!(modules.iter().any(|module| module == name), "there is no module {name}");
    }
}

#[test]
fn pure_modules_stay_pure() {
    for (path, code) in modules().iter().filter(|(path, _)| layer_of(&path[0]) < PURE_LAYERS) {
        let path = path.join("::");
        for impure in IMPURE {
            assert!(!code.contains(impure), "{path} is pure and mentions {impure}");
        }
        for used in paths_from("std", code) {
            let is_pure = !used.get(1).is_some_and(|module| IMPURE_STD.contains(module));
            assert!(is_pure, "{path} is pure and uses {}", used.join("::"));
        }
    }
}

#[test]
fn uses_are_found_in_every_form() {
    let cases = [
        ("use crate::a::B;", "a"),
        ("pub use crate::a::{self, B};", "a a"),
        ("pub(crate) use crate :: a :: B as C;", "a"),
        ("let x = crate::a::f::<crate::b::T>();", "a b"),
        ("use crate::{\n    a::{b, c::d},\n    e,\n    F,\n};", "a a e"),
        ("use {crate::{a::{b::{c, d}, e}, f}, std::io};", "a a a f"),
        ("use super::a::B;", "x"),
        ("use super::super::a::B;", "a"),
        ("use super::{super::{a, b::c}, d};", "a b x"),
        ("use self::super::super::a;", "a"),
        ("pub use self::a::B;", "x"),
        ("pub(in crate::a) fn f() {}", "a"),
        ("pub(super) fn f(self) -> supercrate::B {}", ""),
        ("// crate::a\n\"super::super::b\";", ""),
    ];
    for (code, want) in cases {
        let mut used = used(&["x", "y"], &only_code(code));
        used.sort();
        assert_eq!(used.join(" "), want, "{code}");
    }
    assert_eq!(used(&["x"], "use super::a;"), ["a"]);
    assert_eq!(used(&["lib"], "pub use self::{a::B, c};"), ["a", "c"]);
}

#[test]
fn the_path_of_a_module_is_that_of_its_file() {
    let path = |file: &str| module_path(&PathBuf::from(file)).join("::");
    assert_eq!(path("lib.rs"), "lib");
    assert_eq!(path("edge/mod.rs"), "edge");
    assert_eq!(path("edge/session.rs"), "edge::session");
    assert_eq!(path("schedule/scenario/mod.rs"), "schedule::scenario");
}

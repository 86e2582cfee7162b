//! The modules of the server are in layers, and each uses only modules of layers below its own.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// From the bottom up. What is pure knows no runtime, no file and no clock.
const LAYERS: [(&str, &[&str]); 8] = [
    ("pure", &["limits", "log", "rules", "schedule"]),
    ("pure", &["game"]),
    ("input and output", &["descriptors", "messages", "proc_stat", "tasks"]),
    ("input and output", &["feed"]),
    ("input and output", &["game_loop", "edge", "programs"]),
    ("input and output", &["operator"]),
    ("bringing together", &["settings"]),
    ("bringing together", &["echo"]),
];

/// The last layers, each a single module: what runs a server, what is typed, and the list of
/// modules.
const TOP: [&str; 3] = ["host", "args", "lib"];

/// What a pure module may not mention.
const IMPURE: [&str; 6] =
    ["tokio", "std::fs", "std::net", "std::thread", "SystemTime", "Instant::now"];

fn sources() -> BTreeMap<PathBuf, String> {
    fn collect(folder: &Path, into: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                collect(&path, into);
            } else {
                // Tests may use what they like.
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
                if path.file_stem().unwrap() != "tests" {
                    into.insert(path, code);
                }
            }
        }
    }
    let mut sources = BTreeMap::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    sources
}

/// The module of `crate` that the file at `path` belongs to.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

fn layer_of(module: &str) -> usize {
    let top = TOP.iter().position(|name| *name == module).map(|index| LAYERS.len() + index);
    let layer = LAYERS.iter().position(|(_, modules)| modules.contains(&module)).or(top);
    layer.unwrap_or_else(|| panic!("{module} is in no layer: give it one in this test"))
}

/// The modules of the crate that `code` uses.
fn used(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            // Names at the first level of the braces.
            let mut depth = 0;
            let mut name = String::new();
            for char in list.chars() {
                match char {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => used.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(char),
                    _ => {}
                }
            }
            used.push(name);
        } else {
            used.push(rest.to_owned());
        }
    }
    let first_word = |path: String| {
        let word: String =
            path.trim().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
        (!word.is_empty()).then_some(word)
    };
    used.into_iter().filter_map(first_word).collect()
}

#[test]
fn each_module_uses_only_what_is_below_it() {
    let mut arrows = 0;
    for (path, code) in sources() {
        let module = module_of(&path);
        if module == "main" {
            continue;
        }
        for other in used(&code).into_iter().filter(|other| *other != module) {
            arrows += 1;
            assert!(
                layer_of(&other) < layer_of(&module),
                "{} uses {other}, which is not below {module}",
                path.display()
            );
        }
    }
    assert!(arrows > 20, "only {arrows} uses were found: this test reads them wrongly");
}

#[test]
fn pure_modules_stay_pure() {
    for (path, code) in sources() {
        let module = module_of(&path);
        let layer = LAYERS.iter().find(|(_, modules)| modules.contains(&module.as_str()));
        if layer.is_some_and(|(kind, _)| *kind == "pure") {
            for impure in IMPURE {
                let line = code
                    .lines()
                    .find(|line| line.contains(impure) && !line.trim_start().starts_with("//"));
                assert_eq!(line, None, "{} is pure and mentions {impure}", path.display());
            }
        }
    }
}

#[test]
fn uses_are_read_in_every_form() {
    let code = "use crate::log::View;\nuse crate::{\n    a::{b, c::d},\n    e,\n};\nlet x = crate::f::g();";
    assert_eq!(used(code), ["log", "a", "e", "f"]);
}

//! The modules of the herd depend on each other in one direction only.

#![allow(clippy::unwrap_used, reason = "a missing file fails the test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// From the bottom up: each module uses only modules before it.
const ORDER: [&str; 22] = [
    "mode",
    "metric",
    "threshold",
    "arrivals",
    "plan",
    "failure",
    "measure",
    "throttle",
    "client",
    "dispatch",
    "worker_thread",
    "worker_pool",
    "progress",
    "sampler",
    "run",
    "verdict",
    "report",
    "source_addresses",
    "args",
    "preflight",
    "options",
    "herd",
];

/// All source files below `folder`, without those of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.file_stem().unwrap() != "tests").collect()
}

/// The modules of the crate that `code` names: those after `crate::`, also within braces.
fn used(code: &str) -> Vec<&str> {
    let is_name = |char: char| char.is_ascii_lowercase() || char == '_';
    let mut used = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        let statement = &rest[..rest.find(';').unwrap_or(rest.len())];
        match statement.strip_prefix('{') {
            Some(list) => used.extend(first_level(list).filter_map(|item| item.split("::").next())),
            None => used.extend(statement.split(|char| !is_name(char)).next()),
        }
    }
    used.into_iter().map(|name| name.trim_matches(|char| !is_name(char))).collect()
}

/// The items of `list` that are not within braces of their own.
fn first_level(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    list.split(move |char| {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        char == ',' && depth == 0
    })
}

#[test]
fn each_module_uses_only_modules_below_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut count = 0;
    for path in sources(&root) {
        let inside = path.strip_prefix(&root).unwrap().to_str().unwrap();
        let module = inside.split(['/', '.']).next().unwrap();
        if module == "lib" {
            continue;
        }
        let layer_of = |name: &str| ORDER.iter().position(|known| *known == name);
        let layer = layer_of(module).unwrap_or_else(|| panic!("{module} is not in the order"));
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for name in used(code) {
            // Macros and other items of the crate are not modules.
            let Some(below) = layer_of(name) else { continue };
            assert!(below <= layer, "{inside} uses {name}, which is above {module}");
            count += 1;
        }
    }
    assert!(count > 60, "found only {count} uses: this test does not read them correctly");
}

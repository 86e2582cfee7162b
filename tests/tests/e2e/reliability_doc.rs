//! The tests that `docs/reliability.md` names exist.

use std::{fs, path::Path};

#[test]
fn every_named_test_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let named = text.split('`').filter_map(|part| part.split_once(".rs::"));
    let mut count = 0;
    for (file, test) in named {
        let path = format!("{}.rs", file.replace("e2e/", "tests/tests/e2e/"));
        let code = fs::read_to_string(root.join(&path))
            .unwrap_or_else(|error| panic!("{path}, which should have {test}: {error}"));
        assert!(code.contains(&format!("fn {test}(")), "no {test} in {path}");
        count += 1;
    }
    assert!(count > 30, "only {count} tests were found in the document");
}

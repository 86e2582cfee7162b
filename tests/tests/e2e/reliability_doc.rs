//! `docs/reliability.md` names tests that there are.

use std::{fs, path::Path};

#[test]
fn every_test_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("docs/reliability.md")).unwrap();
    let named = text.split('`').filter_map(|part| part.split_once(".rs::"));
    let mut count = 0;
    for (file, test) in named {
        let path = format!("{}.rs", file.replace("e2e/", "tests/tests/e2e/"));
        let code = fs::read_to_string(root.join(&path))
            .unwrap_or_else(|error| panic!("{path}, which {test} is said to be in: {error}"));
        assert!(code.contains(&format!("fn {test}(")), "there is no {test} in {path}");
        count += 1;
    }
    assert!(count > 30, "only {count} tests are named: this test reads them wrongly");
}

use std::{env, path::PathBuf, process::Command, sync::OnceLock};

/// The path of the project's program `name`, built from the current sources.
///
/// # Panics
/// If the programs cannot be built.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

/// Builds all programs with the profile of this test, and returns their folder.
///
/// By itself, cargo builds only the programs of the package whose tests it runs.
fn build() -> PathBuf {
    let test = env::current_exe().expect("the path of the test is known");
    // target/debug/deps/e2e-0123456789abcdef
    let folder =
        test.ancestors().nth(2).expect("a test is in the folder of its profile").to_owned();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--locked", "--workspace", "--bins"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo built this test, so it can be run");
    assert!(status.success(), "the programs cannot be built");
    folder
}

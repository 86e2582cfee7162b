//! The README's bot and scenario work as they stand there.

use std::fs;

use tempfile::tempdir;
use tribune_tests::{Server, eventually};

/// The first block of `language` in the README.
fn block(language: &str) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_bot_plays() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("bot.py");
    // As it stands there, but for the pauses.
    fs::write(&path, block("python").replace("random.random()", "0")).unwrap();
    let agent = format!("python3 '{}'", path.display());
    let (events, _) = Server::whole_game(&["--script", "0.3:1", "--agent", &agent]);
    assert_eq!(
        events.iter().filter(|event| event["type"] == "move" && event["name"] == "pythia").count(),
        20
    );
}

#[test]
fn the_scenario_is_one() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("league.toml");
    fs::write(&path, block("toml")).unwrap();
    let server = Server::start(&["--scenario", path.to_str().unwrap()]);
    let mut spectator = server.join();
    let first = spectator.wait_for(|line| line["type"] == "started");
    assert_eq!(first["label"], "ps#1 (python3)");
    // There is no bot.py here, so it fails and is started again, beside the other.
    let team = spectator
        .wait_for(|line| line["label"].as_str().is_some_and(|label| label.contains("house team")));
    assert_eq!(team["type"], "started");
    eventually("it was restarted", || {
        (spectator.next()?["label"].as_str()?.contains("python3")).then_some(())
    });
}

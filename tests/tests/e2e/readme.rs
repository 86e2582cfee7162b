//! The bot and the scenario of the README work as printed.

use std::{fs, process::Command};

use tempfile::tempdir;
use tribune_tests::{Process, Server, eventually, program};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// The first code block in `language` of the README.
fn block(language: &str) -> String {
    let readme = fs::read_to_string(README).unwrap();
    let (_, rest) = readme.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn bot_plays() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("bot.py");
    // As printed, but without its pauses.
    fs::write(&path, block("python").replace("random.random()", "0")).unwrap();
    let agent = format!("python3 '{}'", path.display());
    let (events, _) = Server::whole_game(&["--script", "0.3:1", "--agent", &agent]);
    assert_eq!(
        events.iter().filter(|event| event["type"] == "move" && event["name"] == "pythia").count(),
        20
    );
}

#[test]
fn bot_prints_each_move_immediately() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("bot.py");
    // Instead of pausing, it waits until its last move was read.
    fs::write(&path, block("python").replace("time.sleep(random.random())", "input()")).unwrap();
    let mut command = Command::new("python3");
    let mut bot = Process::start(command.arg(&path).env_remove("PYTHONUNBUFFERED"));
    for _ in 0..20 {
        bot.type_in("\n");
        assert!(bot.next_out().unwrap().ends_with(" pythia"));
    }
    assert_eq!(bot.finish().code(), Some(0));
}

#[test]
fn bot_plays_over_the_network_until_its_last_move_is_made() {
    let server = Server::start(&["--script", "", "--stay"]);
    let folder = tempdir().unwrap();
    let path = folder.path().join("bot.py");
    fs::write(&path, block("python").replace("random.random()", "0")).unwrap();
    let readme = fs::read_to_string(README).unwrap();
    let line = readme.lines().find(|line| line.starts_with("./bot | tribune ")).unwrap();
    let line = line
        .replace("./bot", &format!("python3 '{}'", path.display()))
        .replace("tribune", &program("tribune").display().to_string());
    let mut spectator = server.join();
    let mut command = Command::new("bash");
    let command = command.args(["-c", &line]).env_remove("PYTHONUNBUFFERED");
    let bot = Process::start(command.env("TRIBUNE_SERVER", server.address().to_string()));
    let lines = spectator.until(|line| line["type"] == "left");
    let moves = lines.iter().filter(|line| line["type"] == "move" && line["name"] == "pythia");
    assert_eq!(moves.count(), 20);
    assert_eq!(bot.finish().code(), Some(0));
}

#[test]
fn scenario_runs() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("league.toml");
    fs::write(&path, block("toml")).unwrap();
    let server = Server::start(&["--scenario", path.to_str().unwrap()]);
    let mut spectator = server.join();
    let first = spectator.wait_for(|line| line["type"] == "started");
    assert_eq!(first["label"], "ps#1 (bot.py)");
    // There is no bot.py here, so that program fails and is restarted, while the other runs.
    let team = spectator
        .wait_for(|line| line["label"].as_str().is_some_and(|label| label.contains("house team")));
    assert_eq!(team["type"], "started");
    eventually("the failed program is restarted", || {
        (spectator.next()?["label"].as_str()?.contains("bot.py")).then_some(())
    });
}

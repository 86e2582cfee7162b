//! Scenario files.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use serde_json::Value;
use tempfile::{TempDir, tempdir};
use tribune_tests::Server;

use crate::misbehave_path;

struct Scenario {
    folder: TempDir,
}

impl Scenario {
    fn new(text: &str) -> Self {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("scenario.toml"), text).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("scenario.toml")
    }

    /// All events of a game with it.
    fn events(&self) -> Vec<Value> {
        Server::whole_game(&["--scenario", self.path().to_str().unwrap()]).0
    }
}

/// The value of `field` in each event of `kind`.
fn all(events: &[Value], kind: &str, field: &str) -> Vec<Value> {
    events.iter().filter(|event| event["type"] == kind).map(|event| event[field].clone()).collect()
}

#[test]
fn program_runs_with_the_name_environment_and_folder_of_its_table() {
    let scenario = Scenario::new(
        r#"
        [[worker]]
        at = 1
        predef = 2
        name = "slow pair"

        [[worker]]
        at = 0.5
        command = ["sh", "-c", 'echo "N $WHO"; pwd; echo "$0 $1"', "a b", "$WHO"]
        env = { WHO = "zoe" }
        dir = "bots"
        "#,
    );
    let bots = scenario.folder.path().join("bots");
    fs::create_dir(&bots).unwrap();
    let events = scenario.events();
    assert_eq!(all(&events, "started", "label"), ["ps#1 (sh)", "ps#2 (slow pair)"]);
    assert_eq!(all(&events, "move", "name")[0], "zoe");
    let bots = bots.canonicalize().unwrap();
    assert_eq!(
        all(&events, "output", "line"),
        [bots.to_str().unwrap(), "a b $WHO"],
        "a shell has changed the arguments"
    );
}

#[test]
fn files_are_found_from_the_folder_of_the_scenario() {
    let scenario = Scenario::new(
        r#"
        [[worker]]
        at = 0.3
        command = "sh bot.sh ann"

        [[worker]]
        at = 0.3
        command = "./bot.sh bob"

        [[worker]]
        at = 0.3
        command = ["bots/../bot.sh", "eve"]
        dir = "bots"
        "#,
    );
    let folder = scenario.folder.path();
    fs::create_dir(folder.join("bots")).unwrap();
    let bot = folder.join("bot.sh");
    fs::write(&bot, "#!/bin/sh\necho \"N $1\"; pwd\n").unwrap();
    fs::set_permissions(&bot, Permissions::from_mode(0o755)).unwrap();
    // The server runs in another folder.
    let events = scenario.events();
    let mut moved = all(&events, "move", "name");
    moved.sort_by_key(ToString::to_string);
    assert_eq!(moved, ["ann", "bob", "eve"]);
    let folder = folder.canonicalize().unwrap();
    let mut folders = all(&events, "output", "line");
    folders.sort_by_key(ToString::to_string);
    let bots = folder.join("bots");
    let want = [&folder, &folder, &bots].map(|path| path.to_str().unwrap());
    assert_eq!(folders.len(), 3);
    for path in want {
        assert!(folders.iter().any(|folder| folder == path), "{path} is not in {folders:?}");
    }
    assert_eq!(folders.iter().filter(|folder| **folder == want[0]).count(), 2);
    let labels = all(&events, "started", "label");
    assert!(labels.iter().all(|label| label.as_str().unwrap().contains("(bot.sh)")), "{labels:?}");
}

#[test]
fn failed_program_is_restarted_up_to_its_maximum() {
    let scenario = Scenario::new(&format!(
        r#"
        [[worker]]
        at = 0
        command = ['{}', "fail"]
        restart = "on-failure"
        restart_pause = 0.05
        max_restarts = 3

        [[worker]]
        at = 0
        command = ["true"]
        restart = "on-failure"

        [[worker]]
        at = 0
        command = ["false"]
        "#,
        misbehave_path().display()
    ));
    let events = scenario.events();
    let mut labels: Vec<String> = all(&events, "started", "label")
        .iter()
        .map(|label| label.as_str().unwrap().to_owned())
        .collect();
    labels.sort();
    assert_eq!(
        labels,
        [
            "ps#1 (misbehave)",
            "ps#2 (true)",
            "ps#3 (false)",
            "ps#4 (misbehave)",
            "ps#5 (misbehave)",
            "ps#6 (misbehave)"
        ]
    );
    // Each pause, from an exit to the next start, is twice the one before.
    let times = |kind: &str| -> Vec<u64> {
        let matching = events.iter().filter(|event| event["type"] == kind);
        let matching =
            matching.filter(|event| event["label"].as_str().unwrap().ends_with("(misbehave)"));
        matching.map(|event| event["ms"].as_u64().unwrap()).collect()
    };
    let pauses = times("exited").into_iter().zip(times("started").into_iter().skip(1));
    for ((exited, started), min) in pauses.zip([50, 100, 200]) {
        assert!(started - exited >= min, "{} ms instead of {min}", started - exited);
    }
}

#[test]
fn missing_folder_is_named_in_the_reason() {
    let scenario = Scenario::new("[[worker]]\nat = 0.3\ncommand = ['true']\ndir = 'missing'");
    let path = scenario.path();
    let args = ["--scenario", path.to_str().unwrap()];
    let (events, _) = Server::whole_game_with_any_code(&args);
    let reason = all(&events, "exited", "reason").remove(0);
    assert!(reason.as_str().unwrap().contains("missing"), "{reason}");
}

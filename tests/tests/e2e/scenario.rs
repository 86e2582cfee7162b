//! Scenario files.

use std::{fs, path::PathBuf};

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

    /// All events of the game that it makes.
    fn events(&self) -> Vec<Value> {
        Server::whole_game(&["--scenario", self.path().to_str().unwrap()]).0
    }
}

/// What is at `field` of all events of `kind`.
fn all(events: &[Value], kind: &str, field: &str) -> Vec<Value> {
    events.iter().filter(|event| event["type"] == kind).map(|event| event[field].clone()).collect()
}

#[test]
fn a_worker_runs_its_command_with_its_name_environment_and_folder() {
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
        "no shell had it in between"
    );
}

#[test]
fn a_worker_that_fails_is_restarted_so_many_times() {
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
    // Each pause is twice the one before, counted from an end to the start that follows.
    let times = |kind: &str| -> Vec<u64> {
        let of_it = events.iter().filter(|event| event["type"] == kind);
        let of_it = of_it.filter(|event| event["label"].as_str().unwrap().ends_with("(misbehave)"));
        of_it.map(|event| event["ms"].as_u64().unwrap()).collect()
    };
    let pauses = times("exited").into_iter().zip(times("started").into_iter().skip(1));
    for ((ended, started), least) in pauses.zip([50, 100, 200]) {
        assert!(started - ended >= least, "{} ms rather than {least}", started - ended);
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let scenario = Scenario::new("[[worker]]\nat = 0.3\ncommand = ['true']\ndir = 'missing'");
    let reason = all(&scenario.events(), "exited", "reason").remove(0);
    assert!(reason.as_str().unwrap().contains("missing"), "{reason}");
}

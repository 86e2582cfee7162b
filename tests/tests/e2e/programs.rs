//! Any program can be a player.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use serde_json::Value;
use tempfile::tempdir;
use tribune_tests::Server;

use crate::misbehave;

/// A bot that reads each of its moves in the stream before it makes the next. It would wait forever
/// if anything on the way were buffered.
const LOCKSTEP: &str = "
import json, sys
me = 'py' + sys.argv[1]
for direction in 'NSE':
    print(direction, me)
    while True:
        line = json.loads(sys.stdin.readline())
        if line['type'] == 'move' and line['name'] == me:
            break
";

#[test]
fn python_program_plays_without_flushing_its_output() {
    let folder = tempdir().unwrap();
    let bot = folder.path().join("my bot.py");
    fs::write(&bot, LOCKSTEP).unwrap();
    let agent = format!("python3 '{}' {{predef}}", bot.display());
    let (events, _) = Server::whole_game(&["--script", "0:3", "--agent", &agent]);
    let started = events.iter().find(|event| event["type"] == "started").unwrap();
    assert_eq!(started["command"], serde_json::json!(["python3", bot, "3"]));
    let moves: Vec<&Value> = events.iter().filter(|event| event["type"] == "move").collect();
    assert_eq!(
        moves.iter().map(|step| step["direction"].as_str().unwrap()).collect::<String>(),
        "NSE"
    );
    assert!(moves.iter().all(|step| step["name"] == "py3"));
}

#[test]
fn program_without_output_causes_a_hint_about_buffering() {
    let server = Server::start(&["--script", "0:1", "--agent", &misbehave("silent")]);
    let hint = server.wait_for_err(|line| line.contains("ps#1") && line.contains("buffered"));
    assert!(hint.contains("3 s"), "{hint}");
}

#[test]
fn missing_program_is_reported_and_the_game_goes_on() {
    let args = ["--script", "0.3:1,0.5:2", "--agent", "/nowhere/bot {predef}"];
    let (events, finished) = Server::whole_game_with_any_code(&args);
    let ends: Vec<&String> =
        finished.out.iter().filter(|line| line.starts_with("<<<<<<<<")).collect();
    assert_eq!(ends.len(), 2);
    assert!(
        ends[0].starts_with("<<<<<<<< worker ps#1 (predef 1) - not started: /nowhere/bot"),
        "{}",
        ends[0]
    );
    assert!(
        finished
            .err
            .iter()
            .any(|line| line.contains("/nowhere/bot") && line.contains("No such file"))
    );

    let exited: Vec<&Value> = events.iter().filter(|event| event["type"] == "exited").collect();
    assert_eq!(exited.len(), 2);
    assert!(exited[0]["reason"].as_str().unwrap().contains("No such file"), "{}", exited[0]);
    assert_eq!((&exited[0]["code"], &exited[0]["running"]), (&Value::from(127), &Value::from(0)));

    assert_eq!(finished.code(), Some(1), "no program has run");
    let last = finished.err.last().unwrap();
    assert!(last.contains("no program could be started (tried 2)"), "{last}");
}

#[test]
fn game_in_which_one_program_ran_is_no_failure() {
    let folder = tempdir().unwrap();
    let scenario = folder.path().join("scenario.toml");
    let text = "worker = [{ at = 0.3, command = './missing' }, { at = 0.4, command = 'false' }]";
    fs::write(&scenario, text).unwrap();
    let (events, _) = Server::whole_game(&["--scenario", scenario.to_str().unwrap()]);
    let codes: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "exited")
        .map(|event| &event["code"])
        .collect();
    assert_eq!(codes, [127, 1]);
}

#[test]
fn missing_interpreter_is_distinguished_from_a_missing_program() {
    let folder = tempdir().unwrap();
    let bot = folder.path().join("bot");
    fs::write(&bot, "#!/nowhere/python\n").unwrap();
    fs::set_permissions(&bot, Permissions::from_mode(0o755)).unwrap();
    let scenario = folder.path().join("scenario.toml");
    fs::write(&scenario, "worker = [{ at = 0.3, command = ['./bot'], dir = '.' }]").unwrap();
    let args = ["--scenario", scenario.to_str().unwrap()];
    let (events, _) = Server::whole_game_with_any_code(&args);
    let exited = events.iter().find(|event| event["type"] == "exited").unwrap();
    let reason = exited["reason"].as_str().unwrap();
    assert!(reason.contains("it is there, but not the interpreter"), "{reason}");
    assert_eq!(exited["code"], 127);
}

#[test]
fn failed_program_is_reported_with_its_exit_code() {
    let (events, _) = Server::whole_game(&["--script", "0.3:1", "--agent", &misbehave("fail")]);
    let exited = events.iter().find(|event| event["type"] == "exited").unwrap();
    assert_eq!(exited["code"], 3);
}

#[test]
fn programs_scheduled_for_the_same_time_all_start() {
    let finished = Server::start(&["--script", "0.1:1,0.1:1,0.1:2"]).finish();
    let starts: Vec<&String> =
        finished.out.iter().filter(|line| line.starts_with(">>>>>>>>")).collect();
    assert_eq!(
        starts,
        [
            ">>>>>>>> worker ps#1 (predef 1)",
            ">>>>>>>> worker ps#2 (predef 1)",
            ">>>>>>>> worker ps#3 (predef 2)",
        ]
    );
}

//! The bots of the folder `bots/` play, in each language that is installed.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};
use tribune_tests::{Process, Server, program};

/// A language, and how the bots in it are run.
struct Language {
    name: &'static str,
    /// The folder of its bots, and how their files end.
    folder: &'static str,
    extension: &'static str,
    /// The program that runs or builds them.
    tool: &'static str,
    is_compiled: bool,
}

const LANGUAGES: [Language; 6] = [
    interpreted("Python", "python", "py", "python3"),
    interpreted("Bash", "bash", "sh", "bash"),
    interpreted("JavaScript", "javascript", "js", "node"),
    interpreted("Perl", "perl", "pl", "perl"),
    compiled("C", "c", "c", "cc"),
    compiled("Rust", "rust", "rs", "rustc"),
];

const fn interpreted(
    name: &'static str,
    folder: &'static str,
    extension: &'static str,
    tool: &'static str,
) -> Language {
    Language { name, folder, extension, tool, is_compiled: false }
}

const fn compiled(
    name: &'static str,
    folder: &'static str,
    extension: &'static str,
    tool: &'static str,
) -> Language {
    Language { name, folder, extension, tool, is_compiled: true }
}

impl Language {
    /// The command that runs the bot `name`, built into `target` if necessary; `None`, with a message,
    /// if the language is not installed.
    fn command(&self, name: &str, target: &TempDir) -> Option<String> {
        let Self { folder, extension, tool, .. } = self;
        if Command::new(tool).arg("--version").output().is_err() {
            // Unlike what `eprintln!` prints, this is shown although the test passes.
            let _ = writeln!(io::stderr(), "NOT RUN: {} bots: {tool} is not installed", self.name);
            return None;
        }
        let source = bots().join(folder).join(format!("{name}.{extension}"));
        assert!(source.exists(), "{} is missing", source.display());
        if !self.is_compiled {
            return Some(format!("{tool} '{}'", source.display()));
        }
        let file = target.path().join(format!("{folder}-{name}"));
        let mut build = Command::new(tool);
        let built = build.arg("-o").arg(&file).arg(&source).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        assert!(built.stderr.is_empty(), "{}", String::from_utf8_lossy(&built.stderr));
        Some(format!("'{}'", file.display()))
    }
}

fn bots() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../bots")).canonicalize().unwrap()
}

/// The commands that run the bot `name` in each language that is installed.
fn commands(name: &str, target: &TempDir) -> Vec<(&'static str, String)> {
    let commands = LANGUAGES
        .iter()
        .filter_map(|language| Some((language.name, language.command(name, target)?)));
    commands.collect()
}

fn report(command: &str, args: &[&str]) -> Value {
    let mut server = Command::new(program("server"));
    let finished = Process::start(server.args(["try", command, "--json"]).args(args)).finish();
    assert_eq!(finished.code(), Some(0), "{command}: {:?} {:?}", finished.out, finished.err);
    serde_json::from_str(&finished.out[0]).unwrap()
}

#[test]
fn walking_bots_play_and_end() {
    let target = tempdir().unwrap();
    for (language, command) in commands("walk", &target) {
        let report = report(&command, &["--for", "60s", "--alone"]);
        let lines = (&report["moves"], &report["lines"], &report["errors"]);
        assert_eq!(lines, (&json!(10), &json!(10), &json!(0)), "{language}: {report}");
        assert_eq!(report["buffering"], "none", "{language}: {report}");
        assert_eq!(report["exit"], json!({"code": 0}), "{language}: {report}");
    }
}

#[test]
fn following_bots_read_the_game_and_end_with_it() {
    let target = tempdir().unwrap();
    for (language, command) in commands("follow", &target) {
        let report = report(&command, &["--for", "3s", "--tick", "50ms"]);
        assert_eq!((&report["plain"], &report["errors"]), (&json!(0), &json!(0)), "{language}");
        assert_eq!(report["refused"], json!({}), "{language}: {report}");
        assert_eq!(report["input"], "read", "{language}: {report}");
        assert_eq!(report["end"], "end_of_input", "{language}: {report}");
        assert_eq!(report["exit"], json!({"code": 0}), "{language}: {report}");
    }
}

#[test]
fn following_bots_reach_the_player_that_moved_last() {
    let target = tempdir().unwrap();
    for (language, command) in commands("follow", &target) {
        let args = ["--bot", &format!("{command} hunter"), "--tick", "20ms", "--board", "9x7"];
        let server = Server::start(&args);
        let mut client = server.join();
        // It follows players that move while it reads.
        while client.state["players"].as_array().unwrap().is_empty() {
            client = server.join();
        }
        client.send("E prey\n");
        let is_move = |line: &Value, name| line["type"] == "move" && line["name"] == name;
        let place = |line: &Value| (line["x"].clone(), line["y"].clone());
        let lines = client.until(|line| is_move(line, "prey"));
        let prey = lines.last().unwrap();
        let earlier = lines.iter().rfind(|line| is_move(line, "hunter"));
        if place(earlier.unwrap_or(&client.state["players"][0])) == place(prey) {
            // The cells where players enter are random, and these have met already.
            continue;
        }
        // On a board of this size it takes at most seven steps.
        let steps = client.until(|line| is_move(line, "hunter") && place(line) == place(prey));
        let steps = steps.iter().filter(|line| is_move(line, "hunter")).count();
        assert!(steps <= 8, "{language}: {steps} steps");
    }
}

#[test]
fn snake_bot_eats() {
    let bot = bots().join("python/snake.py");
    let command = format!("python3 '{}' hungry", bot.display());
    let server = Server::start(&["--game", "snake", "--turn", "20ms", "--bot", &command]);
    let mut client = server.join();
    let scored = |line: &Value| {
        line["type"] == "turn" && line["scores"].as_array().is_some_and(|scores| !scores.is_empty())
    };
    client.wait_for(scored);
}

#[test]
fn the_table_names_each_bot() {
    let page = std::fs::read_to_string(bots().join("README.md")).unwrap();
    for Language { folder, extension, .. } in &LANGUAGES {
        for name in ["walk", "follow"] {
            assert!(page.contains(&format!("[{name}.{extension}]({folder}/{name}.{extension})")));
        }
    }
}

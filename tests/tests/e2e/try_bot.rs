//! `server try`: the trial of one program.

use std::{
    fs,
    process::{Command, Stdio},
};

use rustix::{
    io::ioctl_fionread,
    process::{Pid, Signal, kill_process},
};
use serde_json::{Value, json};
use tempfile::tempdir;
use tribune_tests::{Finished, Process, eventually, processes_with, program};

use crate::misbehave;

fn server_try(args: &[&str]) -> Finished {
    let mut command = Command::new(program("server"));
    Process::start(command.arg("try").args(args).env_remove("NO_COLOR")).finish()
}

/// The report on `command`, and the exit code.
fn report(command: &str, args: &[&str]) -> (Value, Option<i32>) {
    let finished = server_try(&[&[command, "--json"], args].concat());
    let [line] = &finished.out[..] else { panic!("{:?} {:?}", finished.out, finished.err) };
    (serde_json::from_str(line).unwrap(), finished.code())
}

/// The report on the Python program `source`, which plays walk alone for `time` with quick ticks.
fn report_on(source: &str, time: &str) -> (Value, Option<i32>) {
    let folder = tempdir().unwrap();
    let bot = folder.path().join("bot.py");
    fs::write(&bot, source).unwrap();
    let command = format!("python3 '{}'", bot.display());
    report(&command, &["--alone", "--tick", "50ms", "--for", time])
}

/// Moves at each tick.
const GOOD: &str = "
import json, sys
for line in sys.stdin:
    if json.loads(line)['type'] == 'clock':
        print('E py')
";

/// The same without flushing, as in most languages when the output is a pipe. Ends with its input.
const BUFFERED: &str = "
import json, os, sys
out = os.fdopen(1, 'w', buffering=1 << 20)
for line in sys.stdin:
    if json.loads(line)['type'] == 'clock':
        print('E py', file=out)
";

const NONSENSE: &str = "
import sys
print('N dbg hello\\nne py\\nhello there')
print('oops', file=sys.stderr)
sys.stdin.read()
";

#[test]
fn bot_that_reads_and_moves_plays() {
    let (report, code) = report_on(GOOD, "3s");
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["verdict"], "plays");
    assert!(report["moves"].as_u64().unwrap() > 1, "{report}");
    assert_eq!(report["players"], json!(["py"]));
    assert_eq!(report["buffering"], "none");
    assert_eq!(report["input"], "read");
    assert!(report["reactions"]["count"].as_u64().unwrap() > 1, "{report}");
    assert_eq!((&report["end"], &report["exit"]), (&json!("end_of_input"), &json!({"code": 0})));
}

#[test]
fn bot_with_a_buffer_does_not_play() {
    let (report, code) = report_on(BUFFERED, "2s");
    assert_eq!((&report["verdict"], code), (&json!("plays_only_at_end"), Some(1)), "{report}");
    assert_eq!(report["buffering"], "only_at_end");
    assert!(report["moves"].as_u64().unwrap() > 1, "{report}");
}

#[test]
fn bot_that_prints_nothing_does_not_play() {
    let (report, code) = report(&misbehave("silent"), &["--for", "1s"]);
    assert_eq!((&report["verdict"], code), (&json!("no_move"), Some(1)), "{report}");
    assert_eq!(report["buffering"], "no_output");
    assert_eq!(report["end"], "end_of_input");
}

#[test]
fn bot_that_fails_does_not_play() {
    let (report, code) = report(&misbehave("fail"), &[]);
    assert_eq!((&report["verdict"], code), (&json!("failed"), Some(1)), "{report}");
    assert_eq!((&report["end"], &report["exit"]), (&json!("itself"), &json!({"code": 3})));
}

#[test]
fn bot_that_prints_nonsense_does_not_play() {
    let (report, code) = report_on(NONSENSE, "2s");
    assert_eq!((&report["verdict"], code), (&json!("no_move"), Some(1)), "{report}");
    assert_eq!(report["refused"], json!({"bad_direction": 1, "bad_name": 1}));
    assert_eq!((&report["plain"], &report["errors"]), (&json!(1), &json!(1)));
}

#[test]
fn stubborn_bot_is_killed() {
    let command = "sh -c 'trap \"\" TERM; while :; do echo N ann; sleep 0.05; done'";
    let (report, code) = report(command, &["--for", "500ms", "--grace", "200ms", "--alone"]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((&report["end"], &report["input"]), (&json!("sigkill"), &json!("not_read")));
}

#[test]
fn missing_bot_is_reported() {
    let finished = server_try(&["/nowhere/bot"]);
    assert_eq!(finished.code(), Some(1));
    let verdict = finished.out.last().unwrap();
    assert!(verdict.starts_with("It does not play: ") && verdict.contains("No such file"));
    assert!(finished.err.is_empty(), "{:?}", finished.err);
}

#[test]
fn lines_are_shown_with_what_they_are_and_why() {
    let command = r"sh -c 'printf \'N ann\nN x y\nhi\n\'; echo oops >&2; read line'";
    let command = command.replace(r"\'", "\"");
    let finished = server_try(&[&command, "--alone"]);
    assert_eq!(finished.code(), Some(0), "{:?}", finished.err);
    let shows = |parts: &[&str]| {
        finished.out.iter().any(|line| parts.iter().all(|part| line.contains(part)))
    };
    assert!(shows(&["move ", "N ann"]), "{:?}", finished.out);
    assert!(shows(&["refused ", "N x y", "(bad_name: a name has"]), "{:?}", finished.out);
    assert!(shows(&["output ", "hi", "(bad_line: invalid move"]), "{:?}", finished.out);
    assert!(shows(&["stderr ", "oops"]), "{:?}", finished.out);
    assert!(finished.out.iter().all(|line| !line.contains('\u{1b}')), "no terminal, no colours");
    assert_eq!(finished.out.last().unwrap(), "It plays.");
}

#[test]
fn refusals_of_the_game_are_shown() {
    // A snake that turns back: refused by the rules, after the line was read as an action.
    let command = "sh -c 'while :; do for d in N S E W; do echo $d ann; done; sleep 0.2; done'";
    let args = ["--game", "snake", "--for", "1s", "--alone"];
    let (report, _) = report(command, &args);
    assert!(report["refused"]["bad_action"].as_u64().unwrap() > 0, "{report}");
    assert!(report["moves"].as_u64().unwrap() > 0, "{report}");
}

/// Plays `rock` repeatedly.
const ROCK: &str = "sh -c 'while :; do echo rock $0; sleep 0.1; done'";

#[test]
fn bot_is_tried_in_the_game_of_a_referee() {
    let referee = format!("python3 '{}/../games/rps.py'", env!("CARGO_MANIFEST_DIR"));
    let (bot, other) = (format!("{ROCK} ann"), format!("{ROCK} bob"));
    let args = ["--game", &referee, "--turn", "100ms", "--against", &other, "--for", "2s"];
    let (report, code) = report(&bot, &args);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["players"], json!(["ann"]), "the referee or the other bot was tried");
}

#[test]
fn failure_of_a_referee_is_not_that_of_the_bot() {
    // It would go on for longer than the referee.
    let bot = "sh -c 'while :; do echo N ann; sleep 0.1; done'";
    let args = [bot, "--game", "sh -c 'read game; echo name x; echo go; exit 1'"];
    let finished = server_try(&args);
    assert_eq!(finished.code(), Some(3), "{:?} {:?}", finished.out, finished.err);
}

#[test]
fn usage_errors_have_their_own_code() {
    for args in [&[][..], &[""], &["./bot", "--for", "0s"], &["./bot", "--turn", "soon"]] {
        let finished = server_try(args);
        assert_eq!(finished.code(), Some(2), "{args:?} {:?}", finished.err);
    }
}

/// Moves until it is ended.
const RESTLESS: &str = "sh -c 'while :; do echo N ann; done'";

#[test]
fn output_that_is_not_read_does_not_hold_up_signals() {
    let mut command = Command::new(program("server"));
    command.args(["try", RESTLESS, "--alone", "--for", "1h"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    eventually("the pipe is full", || (ioctl_fionread(&out).unwrap() > 60_000).then_some(()));
    let status = eventually("it ends", || {
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(130));
}

#[test]
fn report_that_cannot_be_written_is_an_error() {
    let mut command = Command::new(program("server"));
    command.args(["try", "echo N ann", "--alone", "--json"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let status = command.stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn signal_ends_a_trial_whose_referee_has_not_started_yet() {
    const REFEREE: &str = "sleep 61.17";
    let mut command = Command::new(program("server"));
    let trial = Process::start(command.args(["try", RESTLESS, "--game", REFEREE]));
    eventually("the referee runs", || {
        let sleeps = |id: &u32| {
            fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default() == "sleep\n"
        };
        processes_with(&REFEREE.replace(' ', "\0")).iter().any(sleeps).then_some(())
    });
    trial.signal(Signal::INT);
    // The referee would have ten seconds, and then fail.
    assert_eq!(trial.finish().code(), Some(130));
}

#[test]
fn other_program_that_fails_is_reported() {
    for (other, reason) in
        [("./typo", "not started: ./typo: No such file"), ("false", "exit code 1")]
    {
        let finished = server_try(&[RESTLESS, "--json", "--for", "500ms", "--against", other]);
        assert_eq!((finished.code(), finished.out.len()), (Some(0), 1));
        let [line] = &finished.err[..] else { panic!("{:?}", finished.err) };
        assert!(line.starts_with("ps#2 (") && line.contains(reason), "{line}");
    }
    let finished = server_try(&[RESTLESS, "--json", "--for", "500ms", "--against", RESTLESS]);
    assert!(finished.err.is_empty(), "{:?}", finished.err);
}

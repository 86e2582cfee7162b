use std::time::Duration;

use players_agent::Predef;
use tribune_protocol::is_printable;

use super::*;
use crate::schedule::{
    DEMONSTRATION, Program, ProgramCommand, Restart, RestartPolicy, parse_script,
};

fn parse(text: &str) -> Result<Vec<Scheduled>, String> {
    parse_scenario(text, Path::new("demo/s.toml"), Path::new("/demo"), &PredefCommand::BuiltIn)
        .map_err(|error| error.to_string())
}

#[test]
fn every_field_of_a_program_can_be_set() {
    let scenario = parse(
        r#"
        [[worker]]
        at = 0.5
        predef = 1

        [[worker]]
        at = 2
        command = ["/usr/bin/python3", "bot.py"]
        name = "clever"
        env = { LEVEL = "3" }
        dir = "bots"
        restart = "on-failure"
        restart_pause = 0.1
        max_restarts = 2
        "#,
    );
    let [first, second] = &scenario.unwrap()[..] else { panic!("two workers") };
    assert_eq!(*first.program, PredefCommand::BuiltIn.program(Predef::One));
    assert_eq!(first.at, Duration::from_millis(500));
    assert_eq!(second.at, Duration::from_secs(2));
    let restart = Restart {
        policy: RestartPolicy::OnFailure,
        initial_delay: Duration::from_millis(100),
        max_restarts: 2,
    };
    assert_eq!(
        *second.program,
        Program {
            title: "clever".into(),
            command: ProgramCommand::External(vec!["/usr/bin/python3".into(), "bot.py".into()]),
            env: vec![("LEVEL".into(), "3".into())],
            dir: Some("/demo/bots".into()),
            restart,
        }
    );
}

#[test]
fn scenario_of_the_compose_file_is_the_demonstration_plus_an_optional_bot() {
    let text = include_str!("../../../../bots/scenario.toml");
    let demonstration = parse_script(DEMONSTRATION, &PredefCommand::BuiltIn).unwrap();
    assert_eq!(parse(text).unwrap(), demonstration);
    let with_bot = parse(&text.replace("# {", "{")).unwrap();
    assert_eq!(with_bot[..3], demonstration);
    assert_eq!(with_bot[3].program.title, "bot");
}

#[test]
fn default_name_is_the_program_file() {
    let scenario = parse("[[worker]]\nat = 0\ncommand = ['/opt/bots/left.sh', 'x']").unwrap();
    assert_eq!(scenario[0].program.title, "left.sh");
    let scenario = parse("[[worker]]\nat = 0\ncommand = 'python3 bot.py'").unwrap();
    assert_eq!(scenario[0].program.title, "bot.py");
}

/// The command and the working directory of a program with these `fields`.
fn command(fields: &str) -> (Vec<String>, String) {
    let scenario = parse(&format!("[[worker]]\nat = 0\n{fields}")).unwrap();
    let program = &*scenario[0].program;
    let ProgramCommand::External(words) = &program.command else { panic!("{program:?}") };
    (words.clone(), program.dir.as_ref().unwrap().to_str().unwrap().to_owned())
}

#[test]
fn command_may_be_one_text() {
    let list = command("command = ['python3', 'my bot.py', '-v']");
    assert_eq!(command("command = \"python3 'my bot.py' -v\""), list);
}

#[test]
fn paths_count_from_the_folder_of_the_file() {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (fields, want, dir) in [
        ("command = 'python3 bot.py'", ["python3", "bot.py"], "/demo"),
        ("command = './bot x.txt'", ["./bot", "x.txt"], "/demo"),
        ("command = 'bin/bot x/y'\ndir = 'data'", ["/demo/bin/bot", "x/y"], "/demo/data"),
        ("command = 'python3 bot.py'\ndir = 'data'", ["python3", "bot.py"], "/demo/data"),
        ("command = '/bin/bot x'\ndir = '/data'", ["/bin/bot", "x"], "/data"),
    ] {
        assert_eq!(command(fields), (words(&want), dir.to_owned()), "{fields}");
    }
}

#[test]
fn predefs_run_where_the_server_runs() {
    let command = "python3 bot.py {predef}".parse().unwrap();
    let (path, folder) = (Path::new("demo/s.toml"), Path::new("/demo"));
    let text = "[[worker]]\nat = 0\npredef = 1";
    let scenario = parse_scenario(text, path, folder, &command).unwrap();
    assert_eq!(scenario[0].program.dir, None);
}

#[test]
fn empty_scenario_is_valid() {
    assert_eq!(parse(""), Ok(vec![]));
}

/// The error for a program that starts at 0, is the first predef, and has the keys in `more`.
fn error(more: &str) -> String {
    parse(&format!("[[worker]]\nat = 0\npredef = 1\n{more}")).unwrap_err()
}

#[test]
fn error_names_the_line_and_what_is_expected() {
    let cases = [
        (
            "[[worker]]\nat = 0\n",
            "1: a worker needs either a predef, as in predef = 1, or a command, as in command = \"./bot\"",
        ),
        (
            "[[worker]]\nat = 0\npredef = 1\n[[worker]]\npredef = 1",
            "4: a worker needs at, the second at which it starts, as in at = 0.5",
        ),
        (
            "\n[[worker]]\nat = -1\npredef = 1",
            "3: invalid at = -1: expected a number of seconds from 0 to 31536000 (a year)",
        ),
        (
            "[[worker]]\npredef = 1\nat = 'x'",
            "3: invalid at = 'x': expected a number of seconds from 0 to 31536000 (a year)",
        ),
        ("[[worker]]\nat = 0\npredef = 9", "3: invalid predef = 9: expected 1, 2, 3 or 4"),
        (
            "[[worker]]\nat = 0\ncommand = []",
            "3: invalid command = []: expected a program and its arguments, of at most 64 KiB, as in \"python3 bot.py\" or [\"python3\", \"bot.py\"]",
        ),
        (
            "worker = 5",
            "1: invalid worker = 5: expected a list of tables, each begun with [[worker]]",
        ),
        ("\nworkers = []", "2: unknown key workers, did you mean worker? Expected worker"),
        ("[[program]]", "1: unknown key program: expected worker"),
        ("at = 0", "1: at is outside of a table: expected [[worker]] in a line before it"),
        (
            "[worker]\nat = 0",
            "1: invalid [worker]: expected a list of tables, each begun with [[worker]]",
        ),
    ];
    for (text, want) in cases {
        assert_eq!(parse(text), Err(format!("demo/s.toml:{want}")));
    }
}

#[test]
fn error_in_a_value_names_its_line_and_form() {
    let cases = [
        ("colour = 'red'", "unknown key colour: expected at, predef, command, "),
        ("comand = './bot'", "unknown key comand, did you mean command? Expected at, predef, "),
        ("Restart = 'always'", "unknown key Restart, did you mean restart? Expected at, "),
        ("restart = 'sometimes'", "invalid restart = 'sometimes': expected \"never\", "),
        ("restart_pause = true", "invalid restart_pause = true: expected a number of seconds"),
        ("max_restarts = -1", "invalid max_restarts = -1: expected a whole number from 0 to "),
        ("dir = ['x']", "invalid dir = ['x']: expected a folder, as in \"bots\""),
        ("env = { 'a=b' = 'c' }", "invalid env = { 'a=b' = 'c' }: expected names with values"),
        ("env = { a = 1 }", "invalid env = { a = 1 }: expected names with values"),
        ("name = ''", "invalid name = '': expected 1 to 64 characters"),
        ("name = \"\\u001b[2J\"", "invalid name = \"\\u001b[2J\": expected 1 to 64 characters"),
        ("name = '\u{202e}'", "invalid name = '\\u{202e}': expected 1 to 64 characters"),
        ("at = 1", "duplicate key at: expected each key once in a table"),
        ("x [", "invalid line x [: expected KEY = VALUE, as in at = 0.5"),
        ("at.x = 1", "duplicate key "),
        ("dir.x = 1", "invalid dir.x = 1: expected a folder, as in \"bots\""),
        ("command = ''", "invalid command = '': expected a program and its arguments, "),
        ("command = [1]", "invalid command = [1]: expected a program and its arguments, "),
        (
            "command = \"sh -c 'x\"",
            "invalid command = \"sh -c 'x\": expected each quotation mark in it closed, as in",
        ),
    ];
    for (more, want) in cases {
        let error = error(more);
        let want = format!("demo/s.toml:4: {want}");
        assert!(error.starts_with(&want), "{error} is not {want}");
    }
    let long = error(&format!("name = '{}'", "n".repeat(65)));
    assert!(long.starts_with("demo/s.toml:4: invalid name = 'nnn") && long.contains("n…: "));
}

#[test]
fn errors_are_one_line_of_plain_english() {
    let values =
        ["1", "-1", "1e999", "true", "'x'", "\"\\u001b\"", "[]", "[1]", "{}", "[[", "1979-05-27"];
    for key in ["at", "predef", "command", "name", "env", "dir", "restart", "max_restarts", "x"] {
        for value in values {
            let Err(error) = parse(&format!("[[worker]]\n{key} = {value}")) else {
                continue;
            };
            assert!(error.chars().all(is_printable), "{error:?}");
            for word in ["invalid type", "u8", "u32", "f64", "map", "sequence", "variant", "struct"]
            {
                assert!(!error.contains(word), "{error}");
            }
        }
    }
    let error = parse("\u{1b}[2J = 1").unwrap_err();
    assert!(error.chars().all(is_printable), "{error:?}");
}

#[test]
fn rejects_scenarios_with_too_many_programs() {
    let worker = "[[worker]]\nat = 0\npredef = 1\n";
    assert_eq!(parse(&worker.repeat(MAX_ENTRIES)).unwrap().len(), MAX_ENTRIES);
    let error = parse(&worker.repeat(MAX_ENTRIES + 1)).unwrap_err();
    assert_eq!(error, "demo/s.toml:30001: too many workers: a scenario has at most 10000");
}

#[test]
fn integers_and_times_are_written_as_in_toml() {
    let scenario =
        parse("[[worker]]\nat = 0x10\npredef = 2\n[[worker]]\nat = 1_0.5e0\npredef = 0b11");
    let scenario = scenario.unwrap();
    assert_eq!(scenario[0].at, Duration::from_secs(16));
    assert_eq!(scenario[1].at, Duration::from_millis(10_500));
    assert_eq!(scenario[1].program.title, "predef 3");
}

/// The page that describes scenario files.
const PAGE: &str = include_str!("../../../../docs/scenario.md");

/// The code blocks of [`PAGE`] of the kind `fence`.
fn blocks(fence: &str) -> Vec<&'static str> {
    let opening = format!("```{fence}\n");
    PAGE.split(&*opening).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn documented_scenarios_are_valid() {
    let scenarios = blocks("toml");
    assert!(scenarios.len() >= 6, "only {} were found", scenarios.len());
    for text in scenarios {
        let entries = text.matches("at = ").count();
        assert_eq!(parse(text).unwrap().len(), entries, "{text}");
    }
    let [first, second, shell] = &parse(blocks("toml")[1]).unwrap()[..] else { panic!("three") };
    assert_eq!(first.program, second.program);
    assert_ne!(first.program, shell.program);
}

#[test]
fn documented_errors_are_reported() {
    let (scenarios, errors) = (blocks("toml invalid"), blocks("text error"));
    assert_eq!(scenarios.len(), errors.len());
    assert!(errors.len() >= 6, "only {} were found", errors.len());
    for (text, want) in scenarios.into_iter().zip(errors) {
        let error = parse(text).unwrap_err().replace("demo/s.toml", "league.toml");
        assert_eq!(error, want.trim_end());
    }
}

#[test]
fn every_field_is_documented() {
    for key in program_table::keys() {
        assert!(PAGE.contains(&format!("| `{key}` |")), "{key} is not in the table");
    }
}

mod fields;
mod program_table;

use std::path::Path;

use thiserror::Error;
use toml::de::{DeTable, DeValue};
use tribune_protocol::text::printable;

use self::fields::{Fields, Problem};
use super::{MAX_ENTRIES, PredefCommand, Scheduled};

/// The maximum size of a scenario file in bytes.
pub const MAX_SCENARIO: u64 = 16 << 20;

/// The expected form of the programs of a scenario, for error messages.
const WORKERS_FORM: &str = "a list of tables, each begun with [[worker]]";

/// An invalid scenario file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {problem}")]
pub struct ScenarioError {
    file: String,
    line: usize,
    problem: String,
}

/// Parses `text`, a scenario in TOML from the file `path`. A relative `dir` counts from the folder
/// of that file.
///
/// # Errors
/// Returns which line is invalid, and what is expected.
pub fn parse_scenario(
    text: &str,
    path: &Path,
    predef_command: &PredefCommand,
) -> Result<Vec<Scheduled>, ScenarioError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    schedule_all(text, folder, predef_command).map_err(|problem| {
        let before = &text.as_bytes()[..problem.offset.min(text.len())];
        ScenarioError {
            file: printable(&path.to_string_lossy()).into_owned(),
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            problem: printable(&problem.text).into_owned(),
        }
    })
}

fn schedule_all(
    text: &str,
    folder: &Path,
    predef_command: &PredefCommand,
) -> Result<Vec<Scheduled>, Problem> {
    let file = DeTable::parse(text).map_err(|error| Problem {
        offset: error.span().map_or(0, |span| span.start),
        text: format!("invalid TOML: {}", error.message().trim().replace('\n', ", ")),
    })?;
    let file = Fields::new(text, file.get_ref(), 0);
    file.check_keys(&["worker"])?;
    let tables = file.get("worker", WORKERS_FORM, |value| {
        let workers = value.get_ref().as_array()?.iter();
        let fields = workers.map(|worker| match worker.get_ref() {
            DeValue::Table(table) => Some(Fields::new(text, table, worker.span().start)),
            _ => None,
        });
        fields.collect::<Option<Vec<_>>>()
    })?;
    let tables = tables.unwrap_or_default();
    if let Some(first_too_many) = tables.get(MAX_ENTRIES) {
        return Err(first_too_many
            .problem(format!("too many workers: a scenario has at most {MAX_ENTRIES}")));
    }
    tables.iter().map(|table| program_table::schedule(table, folder, predef_command)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use players_agent::Predef;
    use tribune_protocol::is_printable;

    use super::*;
    use crate::schedule::{
        DEMONSTRATION, Program, ProgramCommand, Restart, RestartPolicy, parse_script,
    };

    fn parse(text: &str) -> Result<Vec<Scheduled>, String> {
        parse_scenario(text, Path::new("demo/s.toml"), &PredefCommand::BuiltIn)
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
                dir: Some("demo/bots".into()),
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
                "1: a worker needs either a predef, as in 1, or a command, as in [\"./bot\"]",
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
                "3: invalid command = []: expected a program and its arguments, of at most 64 KiB, as in [\"python3\", \"bot.py\"]",
            ),
            (
                "worker = 5",
                "1: invalid worker = 5: expected a list of tables, each begun with [[worker]]",
            ),
            ("\nworkers = []", "2: unknown key workers: expected worker"),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), Err(format!("demo/s.toml:{want}")));
        }
    }

    #[test]
    fn error_in_a_value_names_its_line_and_form() {
        let cases = [
            ("colour = 'red'", "unknown key colour: expected at, predef, command, "),
            ("restart = 'sometimes'", "invalid restart = 'sometimes': expected \"never\", "),
            ("restart_pause = true", "invalid restart_pause = true: expected a number of seconds"),
            ("max_restarts = -1", "invalid max_restarts = -1: expected a whole number from 0 to "),
            ("dir = ['x']", "invalid dir = ['x']: expected a folder, as in \"bots\""),
            ("env = { 'a=b' = 'c' }", "invalid env = { 'a=b' = 'c' }: expected names with values"),
            ("env = { a = 1 }", "invalid env = { a = 1 }: expected names with values"),
            ("name = ''", "invalid name = '': expected 1 to 64 characters"),
            ("name = \"\\u001b[2J\"", "invalid name = \"\\u001b[2J\": expected 1 to 64 characters"),
            ("name = '\u{202e}'", "invalid name = '\\u{202e}': expected 1 to 64 characters"),
            ("at = 1", "invalid TOML: duplicate key"),
            ("x [", "invalid TOML: "),
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
        let values = [
            "1",
            "-1",
            "1e999",
            "true",
            "'x'",
            "\"\\u001b\"",
            "[]",
            "[1]",
            "{}",
            "[[",
            "1979-05-27",
        ];
        for key in ["at", "predef", "command", "name", "env", "dir", "restart", "max_restarts", "x"]
        {
            for value in values {
                let Err(error) = parse(&format!("[[worker]]\n{key} = {value}")) else {
                    continue;
                };
                assert!(error.chars().all(is_printable), "{error:?}");
                for word in
                    ["invalid type", "u8", "u32", "f64", "map", "sequence", "variant", "struct"]
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
}

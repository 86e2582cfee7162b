mod fields;
mod worker;

use std::path::Path;

use thiserror::Error;
use toml::de::{DeTable, DeValue};
use tribune_cli::printable;

use self::fields::{Fields, Problem};
use super::{Agent, MAX_ENTRIES, Scheduled};

/// The most bytes that a scenario file may have.
pub const MAX_SCENARIO: u64 = 16 << 20;

/// What a scenario has where its workers are.
const WORKERS_FORM: &str = "a list of tables, each begun with [[worker]]";

/// What is wrong with a scenario file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {problem}")]
pub struct ScenarioError {
    file: String,
    line: usize,
    problem: String,
}

/// Reads `text`, a scenario in TOML from the file `path`. A relative `dir` counts from the folder
/// of that file.
///
/// # Errors
/// Says in which line what is wrong and what would be right.
pub fn parse_scenario(
    text: &str,
    path: &Path,
    agent: &Agent,
) -> Result<Vec<Scheduled>, ScenarioError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    schedule_all(text, folder, agent).map_err(|problem| {
        let before = &text.as_bytes()[..problem.offset.min(text.len())];
        ScenarioError {
            file: printable(&path.to_string_lossy()).into_owned(),
            line: before.iter().filter(|&&byte| byte == b'\n').count() + 1,
            problem: printable(&problem.text).into_owned(),
        }
    })
}

fn schedule_all(text: &str, folder: &Path, agent: &Agent) -> Result<Vec<Scheduled>, Problem> {
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
    tables.iter().map(|worker| worker::schedule(worker, folder, agent)).collect()
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
        parse_scenario(text, Path::new("demo/s.toml"), &Agent::BuiltIn)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_worker_has_all_that_a_program_can_have() {
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
        assert_eq!(*first.program, Agent::BuiltIn.program(Predef::One));
        assert_eq!(first.at, Duration::from_millis(500));
        assert_eq!(second.at, Duration::from_secs(2));
        let restart = Restart {
            policy: RestartPolicy::OnFailure,
            pause: Duration::from_millis(100),
            most: 2,
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
    fn the_scenario_of_the_compose_file_is_the_demonstration_and_has_room_for_a_bot() {
        let text = include_str!("../../../../bots/scenario.toml");
        let demonstration = parse_script(DEMONSTRATION, &Agent::BuiltIn).unwrap();
        assert_eq!(parse(text).unwrap(), demonstration);
        let with_bot = parse(&text.replace("# {", "{")).unwrap();
        assert_eq!(with_bot[..3], demonstration);
        assert_eq!(with_bot[3].program.title, "bot");
    }

    #[test]
    fn a_command_without_a_name_is_titled_by_its_program() {
        let scenario = parse("[[worker]]\nat = 0\ncommand = ['/opt/bots/left.sh', 'x']").unwrap();
        assert_eq!(scenario[0].program.title, "left.sh");
    }

    #[test]
    fn a_scenario_may_be_empty() {
        assert_eq!(parse(""), Ok(vec![]));
    }

    /// What is wrong with a worker that starts at 0, is the first predef, and has `more`.
    fn complaint(more: &str) -> String {
        parse(&format!("[[worker]]\nat = 0\npredef = 1\n{more}")).unwrap_err()
    }

    #[test]
    fn a_complaint_says_what_where_and_what_would_be_right() {
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
    fn a_complaint_about_a_key_names_its_line_and_its_form() {
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
            let complaint = complaint(more);
            let want = format!("demo/s.toml:4: {want}");
            assert!(complaint.starts_with(&want), "{complaint} is not {want}");
        }
        let long = complaint(&format!("name = '{}'", "n".repeat(65)));
        assert!(long.starts_with("demo/s.toml:4: invalid name = 'nnn") && long.contains("n…: "));
    }

    #[test]
    fn a_complaint_is_one_line_of_plain_english() {
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
                let Err(complaint) = parse(&format!("[[worker]]\n{key} = {value}")) else {
                    continue;
                };
                assert!(complaint.chars().all(is_printable), "{complaint:?}");
                for word in
                    ["invalid type", "u8", "u32", "f64", "map", "sequence", "variant", "struct"]
                {
                    assert!(!complaint.contains(word), "{complaint}");
                }
            }
        }
        let complaint = parse("\u{1b}[2J = 1").unwrap_err();
        assert!(complaint.chars().all(is_printable), "{complaint:?}");
    }

    #[test]
    fn a_scenario_has_so_many_workers_and_no_more() {
        let worker = "[[worker]]\nat = 0\npredef = 1\n";
        assert_eq!(parse(&worker.repeat(MAX_ENTRIES)).unwrap().len(), MAX_ENTRIES);
        let complaint = parse(&worker.repeat(MAX_ENTRIES + 1)).unwrap_err();
        assert_eq!(complaint, "demo/s.toml:30001: too many workers: a scenario has at most 10000");
    }

    #[test]
    fn whole_numbers_and_times_are_written_as_toml_writes_them() {
        let scenario =
            parse("[[worker]]\nat = 0x10\npredef = 2\n[[worker]]\nat = 1_0.5e0\npredef = 0b11");
        let scenario = scenario.unwrap();
        assert_eq!(scenario[0].at, Duration::from_secs(16));
        assert_eq!(scenario[1].at, Duration::from_millis(10_500));
        assert_eq!(scenario[1].program.title, "predef 3");
    }
}

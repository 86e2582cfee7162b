use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use players_agent::Predef;
use serde::Deserialize;
use thiserror::Error;

use super::{Agent, Program, ProgramCommand, Restart, RestartPolicy, Scheduled, start_time};

/// What is wrong with a scenario file, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {problem}")]
pub struct ScenarioError {
    file: String,
    line: usize,
    problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    worker: Vec<toml::Spanned<Worker>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Worker {
    at: f64,
    predef: Option<u8>,
    command: Option<Vec<String>>,
    name: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    dir: Option<PathBuf>,
    #[serde(default)]
    restart: RestartPolicy,
    restart_pause: Option<f64>,
    max_restarts: Option<u32>,
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
    let complain = |offset: usize, problem: String| ScenarioError {
        file: path.display().to_string(),
        line: text[..offset.min(text.len())].matches('\n').count() + 1,
        problem,
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let problem = error.message().trim().replace('\n', ", ");
        complain(error.span().map_or(0, |span| span.start), problem)
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let workers = file.worker.into_iter();
    workers
        .map(|worker| {
            let offset = worker.span().start;
            worker.into_inner().schedule(folder, agent).map_err(|problem| complain(offset, problem))
        })
        .collect()
}

impl Worker {
    fn schedule(self, folder: &Path, agent: &Agent) -> Result<Scheduled, String> {
        let at = start_time(self.at).ok_or_else(|| {
            format!("at = {} is no start time: one is a number of seconds from 0 up", self.at)
        })?;
        let restart = self.restart()?;
        let mut program = match (self.predef, self.command) {
            (Some(number), None) => agent
                .program(number.to_string().parse::<Predef>().map_err(|error| error.to_string())?),
            (None, Some(words)) => external(words)?,
            _ => {
                return Err(
                    "a worker has either a predef, as in 1, or a command, as in [\"./bot\"]".into(),
                );
            }
        };
        if let Some(name) = self.name {
            program.title = name;
        }
        program.env = environment(self.env)?;
        program.dir = self.dir.map(|dir| folder.join(dir));
        program.restart = restart;
        Ok(Scheduled { at, program: Arc::new(program) })
    }

    fn restart(&self) -> Result<Restart, String> {
        let pause = match self.restart_pause {
            None => Restart::FIRST_PAUSE,
            Some(seconds) => start_time(seconds).ok_or_else(|| {
                format!("restart_pause = {seconds} is no number of seconds from 0 up")
            })?,
        };
        Ok(Restart {
            policy: self.restart,
            pause,
            most: self.max_restarts.unwrap_or(Restart::MOST),
        })
    }
}

/// The program that is run by `words`, titled by the last part of its path.
fn external(words: Vec<String>) -> Result<Program, String> {
    let program = words.first().filter(|program| !program.is_empty());
    let program = program.ok_or("a command names a program, as in [\"python3\", \"bot.py\"]")?;
    let title = Path::new(program)
        .file_name()
        .map_or(program.clone(), |name| name.to_string_lossy().into_owned());
    let command = ProgramCommand::External(words);
    Ok(Program { title, command, env: Vec::new(), dir: None, restart: Restart::NEVER })
}

/// `env` as a list, if the system can carry it.
fn environment(env: BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    match env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        Some(name) => Err(format!("{name:?} cannot be the name of an environment variable")),
        None => Ok(env.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::schedule::{DEMONSTRATION, parse_script};

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
        let text = include_str!("../../../bots/scenario.toml");
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

    #[test]
    fn a_complaint_says_what_where_and_what_would_be_right() {
        let cases = [
            (
                "[[worker]]\nat = 0\n",
                "demo/s.toml:1: a worker has either a predef, as in 1, or a command, as in [\"./bot\"]",
            ),
            (
                "\n[[worker]]\nat = -1\npredef = 1",
                "demo/s.toml:2: at = -1 is no start time: one is a number of seconds from 0 up",
            ),
            (
                "[[worker]]\nat = 0\npredef = 9",
                "demo/s.toml:1: \"9\" is no configuration of players: there are 1, 2, 3 and 4",
            ),
            (
                "[[worker]]\nat = 0\ncommand = []",
                "demo/s.toml:1: a command names a program, as in [\"python3\", \"bot.py\"]",
            ),
            (
                "[[worker]]\nat = 0\npredef = 1\n[worker.env]\n'a=b' = 'c'",
                "demo/s.toml:1: \"a=b\" cannot be the name of an environment variable",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), Err(want.into()));
        }
    }

    #[test]
    fn what_is_no_scenario_is_refused_with_its_line() {
        let cases = [
            ("[[worker]]\nat = 'x'\npredef = 1", "demo/s.toml:2: "),
            ("[[worker]]\npredef = 1", "demo/s.toml:1: "),
            ("[[worker]]\nat = 0\npredef = 1\ncolour = 'red'", "demo/s.toml:4: "),
            ("[[worker]]\nat = 0\npredef = 1\nrestart = 'sometimes'", "demo/s.toml:4: "),
            ("worker = 5", "demo/s.toml:1: "),
            ("x [", "demo/s.toml:1: "),
        ];
        for (text, place) in cases {
            let complaint = parse(text).unwrap_err();
            assert!(complaint.starts_with(place) && !complaint.contains('\n'), "{complaint:?}");
        }
    }
}

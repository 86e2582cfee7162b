use std::{path::Path, sync::Arc};

use players_agent::Predef;
use toml::{Spanned, de::DeValue};

use super::{
    super::{
        PredefCommand, Program, ProgramCommand, Restart, RestartPolicy, START_TIME_FORM, Scheduled,
        title::{TITLE_FORM, is_title, title_of},
    },
    fields::{Fields, Problem, environment, seconds, text, texts, whole},
};

/// The keys of a table `[[worker]]`.
const KEYS: [&str; 9] =
    ["at", "predef", "command", "name", "env", "dir", "restart", "restart_pause", "max_restarts"];

/// The maximum size of a command in bytes. Its `started` event contains all of them.
const MAX_COMMAND: usize = 64 << 10;

/// The program that `fields`, a table `[[worker]]`, describes, and when it starts. A relative `dir`
/// counts from `folder`.
pub(super) fn schedule(
    fields: &Fields<'_>,
    folder: &Path,
    predef_command: &PredefCommand,
) -> Result<Scheduled, Problem> {
    fields.check_keys(&KEYS)?;
    let at = fields.get("at", START_TIME_FORM, seconds)?;
    let at = at.ok_or_else(|| {
        fields.problem("a worker needs at, the second at which it starts, as in at = 0.5")
    })?;
    let predef = fields.get("predef", "1, 2, 3 or 4", predef)?;
    let command = fields.get(
        "command",
        "a program and its arguments, of at most 64 KiB, as in [\"python3\", \"bot.py\"]",
        command,
    )?;
    let mut program = match (predef, command) {
        (Some(predef), None) => predef_command.program(predef),
        (None, Some(words)) => external(words),
        _ => {
            return Err(fields.problem(
                "a worker needs either a predef, as in 1, or a command, as in [\"./bot\"]",
            ));
        }
    };
    let name = fields.get("name", TITLE_FORM, |value| text(value).filter(|text| is_title(text)))?;
    if let Some(name) = name {
        program.title = name;
    }
    let env = fields.get("env", "names with values, as in { LEVEL = \"3\" }", environment)?;
    program.env = env.unwrap_or_default();
    let dir = fields.get("dir", "a folder, as in \"bots\"", text)?;
    program.dir = dir.map(|dir| folder.join(dir));
    program.restart = restart(fields)?;
    Ok(Scheduled { at, program: Arc::new(program) })
}

fn restart(fields: &Fields<'_>) -> Result<Restart, Problem> {
    let form = "\"never\", \"on-failure\" or \"always\"";
    let policy = fields.get("restart", form, policy)?.unwrap_or_default();
    let initial_delay = fields.get("restart_pause", START_TIME_FORM, seconds)?;
    let max_restarts = fields.get("max_restarts", "a whole number from 0 to 4294967295", whole)?;
    Ok(Restart {
        policy,
        initial_delay: initial_delay.unwrap_or(Restart::DEFAULT_INITIAL_DELAY),
        max_restarts: max_restarts.unwrap_or(Restart::DEFAULT_MAX_RESTARTS),
    })
}

fn predef(value: &Spanned<DeValue<'_>>) -> Option<Predef> {
    whole(value)?.to_string().parse().ok()
}

fn policy(value: &Spanned<DeValue<'_>>) -> Option<RestartPolicy> {
    match value.get_ref().as_str()? {
        "never" => Some(RestartPolicy::Never),
        "on-failure" => Some(RestartPolicy::OnFailure),
        "always" => Some(RestartPolicy::Always),
        _ => None,
    }
}

/// The words of a command: at least the program file.
fn command(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let words = texts(value)?;
    let size: usize = words.iter().map(String::len).sum();
    let names_a_program = words.first().is_some_and(|program| !program.is_empty());
    (names_a_program && size <= MAX_COMMAND).then_some(words)
}

fn external(words: Vec<String>) -> Program {
    let title = title_of(&words[0]);
    let command = ProgramCommand::External(words);
    Program { title, command, env: Vec::new(), dir: None, restart: Restart::NEVER }
}

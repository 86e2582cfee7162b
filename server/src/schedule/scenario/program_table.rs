use std::{path::Path, sync::Arc};

use players_agent::Predef;
use toml::{Spanned, de::DeValue};

use super::{
    super::{
        CommandError, PredefCommand, Program, Restart, RestartPolicy, START_TIME_FORM, Scheduled,
        command_words,
        title::{TITLE_FORM, is_title},
    },
    fields::{Fields, Problem, environment, seconds, text, texts, whole},
};

/// The keys of a table `[[worker]]`, and the forms of their values, for error messages.
const FORMS: [(&str, &str); 9] = [
    ("at", START_TIME_FORM),
    ("predef", "1, 2, 3 or 4"),
    ("command", COMMAND_FORM),
    ("name", TITLE_FORM),
    ("env", "names with values, as in { LEVEL = \"3\" }"),
    ("dir", "a folder, as in \"bots\""),
    ("restart", "\"never\", \"on-failure\" or \"always\""),
    ("restart_pause", START_TIME_FORM),
    ("max_restarts", "a whole number from 0 to 4294967295"),
];

const COMMAND_FORM: &str = "a program and its arguments, of at most 64 KiB, as in \"python3 bot.py\" or \
                            [\"python3\", \"bot.py\"]";

/// The maximum size of a command in bytes. Its `started` event contains all of them.
const MAX_COMMAND: usize = 64 << 10;

/// The keys of a table `[[worker]]`.
pub(super) fn keys() -> Vec<&'static str> {
    FORMS.iter().map(|(key, _)| *key).collect()
}

/// The form of the value of `key`; `None` if no table `[[worker]]` has it.
pub(super) fn form_of(key: &str) -> Option<&'static str> {
    FORMS.iter().find(|(known, _)| *known == key).map(|(_, form)| *form)
}

/// The program that `fields`, a table `[[worker]]`, describes, and when it starts. Paths count from
/// `folder`, that of the scenario file.
pub(super) fn schedule(
    fields: &Fields<'_>,
    folder: &Path,
    predef_command: &PredefCommand,
) -> Result<Scheduled, Problem> {
    fields.check_keys(&keys())?;
    let at = get(fields, "at", seconds)?;
    let at = at.ok_or_else(|| {
        fields.problem("a worker needs at, the second at which it starts, as in at = 0.5")
    })?;
    let mut program = program(fields, folder, predef_command)?;
    if let Some(name) = get(fields, "name", |value| text(value).filter(|text| is_title(text)))? {
        program.title = name;
    }
    program.env = get(fields, "env", environment)?.unwrap_or_default();
    program.restart = restart(fields)?;
    Ok(Scheduled { at, program: Arc::new(program) })
}

/// The program with its command and working directory.
///
/// A command runs in the folder of the file unless there is a `dir`, so that the path of its program
/// and those in its arguments count from there. With a `dir`, the path of its program still does. A
/// predef may be run by a command that was typed elsewhere.
fn program(
    fields: &Fields<'_>,
    folder: &Path,
    predef_command: &PredefCommand,
) -> Result<Program, Problem> {
    let predef = get(fields, "predef", predef)?;
    fields.get("command", "each quotation mark in it closed, as in \"sh bot.sh 'a b'\"", closed)?;
    let command = get(fields, "command", command)?;
    let dir = get(fields, "dir", text)?.map(|dir| folder.join(dir));
    match (predef, command) {
        (Some(predef), None) => Ok(Program { dir, ..predef_command.program(predef) }),
        (None, Some(words)) => {
            let words = if dir.is_some() { from_folder(words, folder) } else { words };
            let dir = dir.or_else(|| Some(folder.to_owned()));
            Ok(Program { dir, ..Program::external(words) })
        }
        _ => Err(fields.problem(
            "a worker needs either a predef, as in predef = 1, or a command, as in command = \"./bot\"",
        )),
    }
}

/// `words`, whose program is counted from `folder` if it is a path. Without a `/`, it is searched for
/// in `PATH`.
fn from_folder(mut words: Vec<String>, folder: &Path) -> Vec<String> {
    if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
        *program = folder.join(&*program).to_string_lossy().into_owned();
    }
    words
}

fn restart(fields: &Fields<'_>) -> Result<Restart, Problem> {
    let policy = get(fields, "restart", policy)?.unwrap_or_default();
    let initial_delay = get(fields, "restart_pause", seconds)?;
    let max_restarts = get(fields, "max_restarts", whole)?;
    Ok(Restart {
        policy,
        initial_delay: initial_delay.unwrap_or(Restart::DEFAULT_INITIAL_DELAY),
        max_restarts: max_restarts.unwrap_or(Restart::DEFAULT_MAX_RESTARTS),
    })
}

/// The value of `key`, one of [`FORMS`], converted by `parse`.
fn get<'a, T>(
    fields: &Fields<'a>,
    key: &str,
    parse: impl FnOnce(&'a Spanned<DeValue<'a>>) -> Option<T>,
) -> Result<Option<T>, Problem> {
    fields.get(key, form_of(key).unwrap_or_default(), parse)
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

/// Nothing, if all quotation marks in a command are closed.
fn closed(value: &Spanned<DeValue<'_>>) -> Option<()> {
    let words = value.get_ref().as_str().map(command_words);
    (words != Some(Err(CommandError::Quote))).then_some(())
}

/// The words of a command: at least the program file.
fn command(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let words = text(value).and_then(|text| command_words(&text).ok()).or_else(|| texts(value))?;
    let size: usize = words.iter().map(String::len).sum();
    let names_a_program = words.first().is_some_and(|program| !program.is_empty());
    (names_a_program && size <= MAX_COMMAND).then_some(words)
}

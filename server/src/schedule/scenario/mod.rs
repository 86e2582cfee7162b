mod fields;
mod program_table;
mod syntax;

use std::path::Path;

use thiserror::Error;
use toml::de::{DeTable, DeValue};
use tribune_protocol::text::printable;

use self::{
    fields::{Fields, Problem},
    syntax::syntax_problem,
};
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

/// Parses `text`, a scenario in TOML from the file `path`. Paths in it count from `folder`, which is
/// absolute.
///
/// # Errors
/// Returns which line is invalid, and what is expected.
pub fn parse_scenario(
    text: &str,
    path: &Path,
    folder: &Path,
    predef_command: &PredefCommand,
) -> Result<Vec<Scheduled>, ScenarioError> {
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
    let file = DeTable::parse(text)
        .map_err(|error| syntax_problem(text, error.message(), error.span()))?;
    let file = Fields::new(text, file.get_ref(), 0);
    if let Some((key, offset)) = file.find(&program_table::keys()) {
        let text = format!("{key} is outside of a table: expected [[worker]] in a line before it");
        return Err(Problem { offset, text });
    }
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
mod tests;

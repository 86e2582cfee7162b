use std::{collections::BTreeMap, time::Duration};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::super::start_time;

/// The most characters of a value that a complaint shows.
const SHOWN: usize = 40;

/// Something that is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Where: the bytes before it.
    pub(super) offset: usize,
    /// What is wrong and what would be right.
    pub(super) text: String,
}

/// The keys and values of a table of a scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    /// The whole scenario.
    scenario: &'a str,
    table: &'a DeTable<'a>,
    /// Where the table begins.
    offset: usize,
}

impl<'a> Fields<'a> {
    /// Those of `table`, which begins at `offset` of `scenario`.
    pub(super) fn new(scenario: &'a str, table: &'a DeTable<'a>, offset: usize) -> Self {
        Self { scenario, table, offset }
    }

    /// Refuses keys other than `known`.
    pub(super) fn check_keys(&self, known: &[&str]) -> Result<(), Problem> {
        match self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => {
                let text = format!("unknown key {}: expected {}", key.get_ref(), list(known));
                Err(Problem { offset: key.span().start, text })
            }
        }
    }

    /// The value of `key`, as `read` understands it; `None` without the key.
    ///
    /// # Errors
    /// If `read` does not understand it, which wants what `form` says.
    pub(super) fn get<T>(
        &self,
        key: &str,
        form: &str,
        read: impl FnOnce(&'a Spanned<DeValue<'a>>) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some((key, value)) = self.table.iter().find(|(found, _)| found.get_ref() == key) else {
            return Ok(None);
        };
        let invalid = || {
            let (key, shown) = (key.get_ref(), self.shown(value));
            let text = format!("invalid {key} = {shown}: expected {form}");
            Problem { offset: value.span().start, text }
        };
        read(value).map(Some).ok_or_else(invalid)
    }

    /// That something is wrong with the table as a whole.
    pub(super) fn problem(&self, text: impl Into<String>) -> Problem {
        Problem { offset: self.offset, text: text.into() }
    }

    /// `value` as it is written, or its beginning.
    fn shown(&self, value: &Spanned<DeValue<'_>>) -> String {
        let written = self.scenario.get(value.span()).unwrap_or_default();
        let line = written.lines().next().unwrap_or_default();
        let mut shown: String = line.chars().take(SHOWN).collect();
        if shown.len() < written.len() {
            shown.push('…');
        }
        shown
    }
}

/// A string.
pub(super) fn text(value: &Spanned<DeValue<'_>>) -> Option<String> {
    // The system ends its strings with it, so it cannot take one that has it.
    let text = value.get_ref().as_str().filter(|text| !text.contains('\0'));
    text.map(str::to_owned)
}

/// A list of strings.
pub(super) fn texts(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    value.get_ref().as_array()?.iter().map(text).collect()
}

/// A table of strings, with keys that can be the names of environment variables.
pub(super) fn environment(value: &Spanned<DeValue<'_>>) -> Option<Vec<(String, String)>> {
    let table = value.get_ref().as_table()?;
    let variable = |(name, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let name = name.get_ref();
        let can_be = !name.is_empty() && !name.contains(['=', '\0']);
        Some((name.to_string(), text(value).filter(|_| can_be)?))
    };
    let variables: Option<BTreeMap<_, _>> = table.iter().map(variable).collect();
    variables.map(|variables| variables.into_iter().collect())
}

/// A time in seconds, whole or not.
pub(super) fn seconds(value: &Spanned<DeValue<'_>>) -> Option<Duration> {
    let seconds = match value.get_ref() {
        DeValue::Integer(_) => f64::from(whole(value)?),
        DeValue::Float(float) => float.as_str().parse().ok()?,
        _ => return None,
    };
    start_time(seconds)
}

/// A whole number, not negative.
pub(super) fn whole(value: &Spanned<DeValue<'_>>) -> Option<u32> {
    let integer = value.get_ref().as_integer()?;
    u32::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// `words` as an enumeration.
fn list(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}

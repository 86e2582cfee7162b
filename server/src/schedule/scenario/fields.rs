use std::{collections::BTreeMap, time::Duration};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::super::start_time;

/// The maximum length of a value in an error message, in characters.
const SHOWN: usize = 40;

/// An error in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Its position, in bytes from the beginning of the file.
    pub(super) offset: usize,
    /// What is invalid, and what is expected.
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
    /// The fields of `table`, which begins at `offset` in `scenario`.
    pub(super) fn new(scenario: &'a str, table: &'a DeTable<'a>, offset: usize) -> Self {
        Self { scenario, table, offset }
    }

    /// Returns an error if there is a key other than `known`.
    pub(super) fn check_keys(&self, known: &[&str]) -> Result<(), Problem> {
        match self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => {
                let name = key.get_ref();
                let text = match similar(name, known) {
                    Some(meant) => format!(
                        "unknown key {name}, did you mean {meant}? Expected {}",
                        list(known)
                    ),
                    None => format!("unknown key {name}: expected {}", list(known)),
                };
                Err(Problem { offset: key.span().start, text })
            }
        }
    }

    /// The value of `key`, converted by `parse`; `None` if the key is not there.
    ///
    /// # Errors
    /// If `parse` returns `None`. The message says that `form` is expected.
    pub(super) fn get<T>(
        &self,
        key: &str,
        form: &str,
        parse: impl FnOnce(&'a Spanned<DeValue<'a>>) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some((name, value)) = self.table.iter().find(|(found, _)| found.get_ref() == key)
        else {
            return Ok(None);
        };
        let invalid = || {
            let text = format!("invalid {}: expected {form}", self.shown(name, value));
            Problem { offset: value.span().start, text }
        };
        parse(value).map(Some).ok_or_else(invalid)
    }

    /// The first of `keys` that is there, and where it is.
    pub(super) fn find(&self, keys: &[&'static str]) -> Option<(&'static str, usize)> {
        self.table.keys().find_map(|found| {
            let key = keys.iter().find(|&key| found.get_ref() == key)?;
            Some((*key, found.span().start))
        })
    }

    /// An error that concerns the table as a whole.
    pub(super) fn problem(&self, text: impl Into<String>) -> Problem {
        Problem { offset: self.offset, text: text.into() }
    }

    /// The field of `key` as it is written in the file, or its beginning.
    fn shown(&self, key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> String {
        let written = self.scenario.get(value.span()).unwrap_or_default();
        // A table of dotted keys or with a header is written elsewhere than after its key.
        if value.get_ref().is_table() && !written.starts_with('{') {
            return shortened(line_at(self.scenario, key.span().start));
        }
        format!("{} = {}", key.get_ref(), shortened(written))
    }
}

/// The line of `text` around `offset`, without white space at its ends.
pub(super) fn line_at(text: &str, offset: usize) -> &str {
    let (before, after) = text.split_at_checked(offset).unwrap_or((text, ""));
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| offset + at);
    text[start..end].trim()
}

/// The first line of `text` or its beginning.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < text.trim_end().len() {
        shown.push('…');
    }
    shown
}

/// A string.
pub(super) fn text(value: &Spanned<DeValue<'_>>) -> Option<String> {
    // The system terminates its strings with NUL, so none can contain one.
    let text = value.get_ref().as_str().filter(|text| !text.contains('\0'));
    text.map(str::to_owned)
}

/// A list of strings.
pub(super) fn texts(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    value.get_ref().as_array()?.iter().map(text).collect()
}

/// A table of strings whose keys are valid names of environment variables.
pub(super) fn environment(value: &Spanned<DeValue<'_>>) -> Option<Vec<(String, String)>> {
    let table = value.get_ref().as_table()?;
    let variable = |(name, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let name = name.get_ref();
        let is_valid = !name.is_empty() && !name.contains(['=', '\0']);
        Some((name.to_string(), text(value).filter(|_| is_valid)?))
    };
    let variables: Option<BTreeMap<_, _>> = table.iter().map(variable).collect();
    variables.map(|variables| variables.into_iter().collect())
}

/// A time in seconds, as an integer or a float.
pub(super) fn seconds(value: &Spanned<DeValue<'_>>) -> Option<Duration> {
    let seconds = match value.get_ref() {
        DeValue::Integer(_) => f64::from(whole(value)?),
        DeValue::Float(float) => float.as_str().parse().ok()?,
        _ => return None,
    };
    start_time(seconds)
}

/// A non-negative integer.
pub(super) fn whole(value: &Spanned<DeValue<'_>>) -> Option<u32> {
    let integer = value.get_ref().as_integer()?;
    u32::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The one of `known` that is most similar to `key`, if one is similar enough to be what was meant.
fn similar<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let scored = known.iter().map(|&known| (strsim::jaro(&key.to_lowercase(), known), known));
    let (score, best) = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    // The least similarity at which clap suggests an option.
    (score > 0.7).then_some(best)
}

/// `words` as an enumeration: `a, b or c`.
fn list(words: &[&str]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}

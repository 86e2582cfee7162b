use std::{sync::Arc, time::Duration};

use players_agent::Predef;
use thiserror::Error;
use tribune_protocol::text::quote;

use super::{MAX_ENTRIES, PredefCommand, START_TIME_FORM, Scheduled, start_time};

/// An invalid script.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid entry {number} of the script, {entry}: {problem}")]
pub struct ScriptError {
    /// The number of the invalid entry; the first is 1.
    number: usize,
    /// The entry or its beginning, in quotation marks.
    entry: String,
    /// What is invalid, and what is expected.
    problem: String,
}

/// The maximum length of an entry in an error message, in characters.
const SHOWN: usize = 40;

/// The script of the demonstration. `bots/scenario.toml` describes the same.
pub const DEMONSTRATION: &str = "0.5:1,1:2,6:3";

/// The script of the demonstration of snake.
pub const SNAKE_DEMONSTRATION: &str = "0:1,0:2,0:3,0:4";

/// Parses a script such as [`DEMONSTRATION`]: start times in seconds and predefs, in any order. An
/// empty text is a script without entries.
///
/// # Errors
/// Returns which entry is invalid, and what is expected.
pub fn parse_script(
    text: &str,
    predef_command: &PredefCommand,
) -> Result<Vec<Scheduled>, ScriptError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let entries = text.split(',').map(str::trim).zip(1..);
    entries
        .map(|(entry, number)| {
            let (at, predef) = parse_entry(entry, number).map_err(|problem| ScriptError {
                number,
                entry: excerpt(entry),
                problem,
            })?;
            Ok(Scheduled { at, program: Arc::new(predef_command.program(predef)) })
        })
        .collect()
}

fn parse_entry(entry: &str, number: usize) -> Result<(Duration, Predef), String> {
    if number > MAX_ENTRIES {
        return Err(format!("a script has at most {MAX_ENTRIES} entries"));
    }
    let (at, predef) =
        entry.split_once(':').ok_or("expected a start time, a colon and a predef, as in 0.5:1")?;
    let time = at.trim().parse().ok().and_then(start_time);
    let time = time.ok_or_else(|| {
        format!("invalid start time {}: expected {START_TIME_FORM}", excerpt(at.trim()))
    })?;
    let predef = predef.trim().parse::<Predef>().map_err(|error| error.to_string())?;
    Ok((time, predef))
}

/// `text` or its beginning, as an error message shows it.
fn excerpt(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", quote(&text.as_bytes()[..end])),
        None => quote(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn titles(text: &str) -> Vec<(u128, String)> {
        let script = parse_script(text, &PredefCommand::BuiltIn).unwrap();
        script.iter().map(|entry| (entry.at.as_millis(), entry.program.title.clone())).collect()
    }

    fn error(text: &str) -> String {
        parse_script(text, &PredefCommand::BuiltIn).unwrap_err().to_string()
    }

    #[test]
    fn entries_are_start_times_and_predefs() {
        let title = |number: u8| format!("predef {number}");
        assert_eq!(titles(DEMONSTRATION), [(500, title(1)), (1000, title(2)), (6000, title(3))]);
        assert_eq!(titles(" 6 : 3 , 0:4 "), [(6000, title(3)), (0, title(4))]);
        assert_eq!(titles(""), []);
    }

    #[test]
    fn error_names_the_entry_and_what_is_expected() {
        assert_eq!(
            error("0.5:1,2"),
            "invalid entry 2 of the script, \"2\": expected a start time, a colon and a predef, as in 0.5:1"
        );
        assert_eq!(
            error("x:1"),
            "invalid entry 1 of the script, \"x:1\": invalid start time \"x\": expected a number of seconds from 0 to 31536000 (a year)"
        );
        assert_eq!(
            error("0:1,1:5"),
            "invalid entry 2 of the script, \"1:5\": unknown predef \"5\": expected 1, 2, 3 or 4"
        );
        assert!(error("99999999999:1").ends_with("from 0 to 31536000 (a year)"));
        for text in ["-1:1", "inf:1", "nan:1", "1e30:1", "0:1,", ",", ":"] {
            assert!(error(text).starts_with("invalid entry "), "{text:?}");
        }
        let long = error(&"x".repeat(5000));
        assert!(long.len() < 200, "{long}");
    }

    #[test]
    fn rejects_scripts_with_too_many_entries() {
        let script = vec!["0:1"; MAX_ENTRIES].join(",");
        assert_eq!(titles(&script).len(), MAX_ENTRIES);
        let error = error(&format!("{script},5:2"));
        assert_eq!(
            error,
            "invalid entry 10001 of the script, \"5:2\": a script has at most 10000 entries"
        );
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(text in "[0-9:.,e+-]{0,30}|.*") {
            let _ = parse_script(&text, &PredefCommand::BuiltIn);
        }
    }
}

use std::{sync::Arc, time::Duration};

use players_agent::Predef;
use thiserror::Error;

use super::{Agent, Scheduled, start_time};

/// What is wrong with a script, and in which of its entries.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("entry {number} of the script, {entry:?}, {problem}")]
pub struct ScriptError {
    /// The number of the entry; the first is 1.
    number: usize,
    /// The entry.
    entry: String,
    /// What is wrong with it, and what would be right.
    problem: String,
}

/// The script of the demonstration. `bots/scenario.toml` says the same.
pub const DEMONSTRATION: &str = "0.5:1,1:2,6:3";

/// Reads a script such as [`DEMONSTRATION`]: start times in seconds and predefined configurations,
/// in any order. An empty text is a script without entries.
///
/// # Errors
/// Says which entry is wrong and what would be right.
pub fn parse_script(text: &str, agent: &Agent) -> Result<Vec<Scheduled>, ScriptError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let entries = text.split(',').map(str::trim).enumerate();
    entries
        .map(|(index, entry)| {
            let (at, predef) = parse_entry(entry).map_err(|problem| ScriptError {
                number: index + 1,
                entry: entry.to_owned(),
                problem,
            })?;
            Ok(Scheduled { at, program: Arc::new(agent.program(predef)) })
        })
        .collect()
}

fn parse_entry(entry: &str) -> Result<(Duration, Predef), String> {
    let (at, predef) = entry
        .split_once(':')
        .ok_or("is not a start time, a colon and a configuration, as in 0.5:1")?;
    let at = at.trim().parse().ok().and_then(start_time);
    let at = at.ok_or("has no start time: one is a number of seconds from 0 up, as in 0.5")?;
    let predef = predef
        .trim()
        .parse::<Predef>()
        .map_err(|error| format!("has no configuration: {error}"))?;
    Ok((at, predef))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn titles(text: &str) -> Vec<(u128, String)> {
        let script = parse_script(text, &Agent::BuiltIn).unwrap();
        script.iter().map(|entry| (entry.at.as_millis(), entry.program.title.clone())).collect()
    }

    fn complaint(text: &str) -> String {
        parse_script(text, &Agent::BuiltIn).unwrap_err().to_string()
    }

    #[test]
    fn entries_are_start_times_and_configurations() {
        let title = |number: u8| format!("predef {number}");
        assert_eq!(titles(DEMONSTRATION), [(500, title(1)), (1000, title(2)), (6000, title(3))]);
        assert_eq!(titles(" 6 : 3 , 0:4 "), [(6000, title(3)), (0, title(4))]);
        assert_eq!(titles(""), []);
    }

    #[test]
    fn a_complaint_says_what_where_and_what_would_be_right() {
        assert_eq!(
            complaint("0.5:1,2"),
            "entry 2 of the script, \"2\", is not a start time, a colon and a configuration, as in 0.5:1"
        );
        assert_eq!(
            complaint("x:1"),
            "entry 1 of the script, \"x:1\", has no start time: one is a number of seconds from 0 up, as in 0.5"
        );
        assert_eq!(
            complaint("0:1,1:5"),
            "entry 2 of the script, \"1:5\", has no configuration: \"5\" is no configuration of players: there are 1, 2, 3 and 4"
        );
        for text in ["-1:1", "inf:1", "nan:1", "1e30:1", "0:1,", ",", ":"] {
            assert!(complaint(text).starts_with("entry "), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9:.,e+-]{0,30}|.*") {
            let _ = parse_script(&text, &Agent::BuiltIn);
        }
    }
}

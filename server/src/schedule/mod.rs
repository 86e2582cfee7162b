//! Which programs run and when, as data: programs, the command that is run for a predef, scripts
//! and scenario files.

mod command_words;
mod predef_command;
mod program;
mod scenario;
mod script;
mod title;

pub use command_words::{CommandError, command_words};
pub use predef_command::PredefCommand;
pub use program::{Program, ProgramCommand, Restart, RestartPolicy};
pub use scenario::{MAX_SCENARIO, parse_scenario};
pub use script::{DEMONSTRATION, SNAKE_DEMONSTRATION, parse_script};

use std::{sync::Arc, time::Duration};

/// A program and when it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    /// The time since the start of its script.
    pub at: Duration,
    /// The program.
    pub program: Arc<Program>,
}

/// The maximum number of entries of a script or a scenario. When all of them run, a `state` line contains that
/// many titles of at most 64 characters each, far less than the longest line that a client has to
/// accept.
const MAX_ENTRIES: usize = 10_000;

/// The latest that a program can be scheduled, in seconds: a year.
const LATEST: f64 = 365.0 * 24.0 * 3600.0;

/// The expected form of a start time, for error messages.
const START_TIME_FORM: &str = "a number of seconds from 0 to 31536000 (a year)";

/// The start time that `seconds` stands for; `None` if no program can be scheduled at that time.
fn start_time(seconds: f64) -> Option<Duration> {
    (0.0..=LATEST).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{MAX_SERVER_LINE, WorkerId, WorkerState, encode};

    use super::*;

    #[test]
    fn state_with_the_longest_titles_of_all_entries_is_far_below_the_longest_line() {
        let title = "\u{1f3b2}".repeat(64);
        assert!(title::is_title(&title));
        let mut line = Vec::new();
        let id = WorkerId(u64::MAX);
        encode(&WorkerState { id, label: format!("ps#{id} ({title})") }, &mut line);
        assert!(line.len() * MAX_ENTRIES < MAX_SERVER_LINE / 4);
    }
}

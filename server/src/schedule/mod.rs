//! What is to be run and when, as data: player programs, the agent that stands for a predefined
//! configuration, the script, and the scenario file.

mod agent;
mod program;
mod scenario;
mod script;
mod title;

pub use agent::Agent;
pub use program::{Program, ProgramCommand, Restart, RestartPolicy};
pub use scenario::{MAX_SCENARIO, parse_scenario};
pub use script::{DEMONSTRATION, parse_script};

use std::{sync::Arc, time::Duration};

/// A program and when it is to start, counted from when its script starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    /// When.
    pub at: Duration,
    /// What.
    pub program: Arc<Program>,
}

/// The most entries of a script or a scenario. When they all run, `state` has as many titles, of at
/// most 64 characters each, which is far less than the longest line a client need accept.
const MAX_ENTRIES: usize = 10_000;

/// The latest that a program can be scheduled, in seconds: a year.
const LATEST: f64 = 365.0 * 24.0 * 3600.0;

/// What is right for a start time, as a complaint says it.
const START_TIME_FORM: &str = "a number of seconds from 0 to 31536000 (a year)";

/// The time that `seconds` stands for, if a program can be scheduled then.
fn start_time(seconds: f64) -> Option<Duration> {
    (0.0..=LATEST).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{MAX_SERVER_LINE, WorkerId, WorkerState, encode};

    use super::*;

    #[test]
    fn a_state_with_the_longest_titles_of_all_entries_is_far_below_the_longest_line() {
        let title = "\u{1f3b2}".repeat(64);
        assert!(title::is_title(&title));
        let mut line = Vec::new();
        let id = WorkerId(u64::MAX);
        encode(&WorkerState { id, label: format!("ps#{id} ({title})") }, &mut line);
        assert!(line.len() * MAX_ENTRIES < MAX_SERVER_LINE / 4);
    }
}

//! What is to be run and when, as data: player programs, the agent that stands for a predefined
//! configuration, the script, and the scenario file.

mod agent;
mod program;
mod scenario;
mod script;

pub use agent::Agent;
pub use program::{Program, ProgramCommand, Restart, RestartPolicy};
pub use scenario::parse_scenario;
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

/// The latest that a program can be scheduled: a year.
const LATEST: f64 = 365.0 * 24.0 * 3600.0;

/// The time that `seconds` stands for, if a program can be scheduled then.
fn start_time(seconds: f64) -> Option<Duration> {
    (0.0..=LATEST).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

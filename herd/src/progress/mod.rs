//! Shows the progress of a run on standard error.

mod live;
mod log_lines;
mod sample;
mod timeline;

#[cfg(feature = "plots")]
pub use self::sample::rate;
pub use self::{
    sample::{Row, Sample},
    timeline::Timeline,
};

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use tokio::time::{Interval, MissedTickBehavior, interval};
use tribune_cli::print_message;

use self::{live::Live, log_lines::LogLines};
use super::plan::Plan;

/// How progress is shown.
#[derive(Debug)]
pub enum Progress {
    /// As a progress bar that is redrawn.
    Live(Live),
    /// As a line each second.
    LogLines(LogLines),
    /// Not at all.
    Quiet,
}

impl Progress {
    /// A progress bar in a terminal, lines elsewhere, and nothing if `quiet`.
    pub fn suitable(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if io::stderr().is_terminal() {
            Self::Live(Live::default())
        } else {
            Self::LogLines(LogLines::default())
        }
    }

    /// When to show progress.
    pub fn ticks(&self) -> Interval {
        let period = match self {
            Self::Live(_) => Duration::from_millis(100),
            Self::LogLines(_) | Self::Quiet => Duration::from_secs(1),
        };
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks
    }

    /// Shows the state of the run.
    pub fn show(&mut self, plan: &Plan, sample: &Sample) {
        match self {
            Self::Live(live) => live.show(plan, sample),
            Self::LogLines(log_lines) => log_lines.show(sample),
            Self::Quiet => {}
        }
    }

    /// Prints a message besides the progress.
    pub fn print(&self, line: &str) {
        match self {
            Self::Live(live) => live.print(line),
            Self::LogLines(_) | Self::Quiet => print_message(line),
        }
    }

    /// Removes the progress bar, before the report.
    pub fn finish(&self) {
        if let Self::Live(live) = self {
            live.finish();
        }
    }
}

//! Showing how a run goes, while it goes.

mod lines;
mod live;
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
use tribune_cli::say;

use self::{lines::Lines, live::Live};
use super::plan::Plan;

/// The ways to show how a run goes, on standard error.
#[derive(Debug)]
pub enum Progress {
    /// A picture that is drawn again and again.
    Live(Live),
    /// A line each second.
    Lines(Lines),
    /// Not at all.
    Quiet,
}

impl Progress {
    /// A picture in a terminal, lines elsewhere, and nothing if that is wished.
    pub fn suitable(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if io::stderr().is_terminal() {
            Self::Live(Live::default())
        } else {
            Self::Lines(Lines::default())
        }
    }

    /// How often it is to be shown.
    pub fn ticks(&self) -> Interval {
        let period = match self {
            Self::Live(_) => Duration::from_millis(100),
            Self::Lines(_) | Self::Quiet => Duration::from_secs(1),
        };
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        ticks
    }

    /// Shows how it stands.
    pub fn show(&mut self, plan: &Plan, sample: &Sample) {
        match self {
            Self::Live(live) => live.show(plan, sample),
            Self::Lines(lines) => lines.show(sample),
            Self::Quiet => {}
        }
    }

    /// Tells something beside it.
    pub fn tell(&self, line: &str) {
        match self {
            Self::Live(live) => live.tell(line),
            Self::Lines(_) | Self::Quiet => say(line),
        }
    }

    /// Makes room for the report.
    pub fn finish(&self) {
        if let Self::Live(live) = self {
            live.finish();
        }
    }
}

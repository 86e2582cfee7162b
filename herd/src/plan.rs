use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use clap::ValueEnum;

use super::{arrivals::Arrivals, limit::Limit};

/// What members of a herd do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Each job is one message to an echo server, and its answer
    Echo,
    /// Each member watches a game, and checks the stream
    Watch,
    /// Each member plays, and checks that its moves come back
    Play,
}

impl Mode {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Watch => "watch",
            Self::Play => "play",
        }
    }
}

/// What a herd is to do, checked and complete.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What each job is.
    pub mode: Mode,
    /// The server under test.
    pub server: SocketAddr,
    /// Where connections come from, in turn; empty if the system is to choose.
    pub sources: Vec<IpAddr>,
    /// How many jobs there are; `None` for as many as there is time for.
    pub jobs: Option<u64>,
    /// When members leave and no more jobs are begun.
    pub duration: Option<Duration>,
    /// The most jobs at once; 0 for no limit.
    pub throttle: usize,
    /// When jobs are to start; `None` for as soon as there is a place.
    pub arrivals: Option<Arrivals>,
    /// How long each member stays in the game; `None` for to its end.
    pub stay: Option<Duration>,
    /// From one move of a player to its next.
    pub move_interval: Duration,
    /// The bytes of a message.
    pub size: usize,
    /// How long anything may take.
    pub timeout: Duration,
    /// The threads that do the work.
    pub workers: usize,
    /// What the run must not be.
    pub limits: Vec<Limit>,
}

impl Plan {
    /// The most jobs that can be active at once; `None` if that is open.
    pub fn most_active(&self) -> Option<u64> {
        let throttle =
            (self.throttle > 0).then(|| u64::try_from(self.throttle).unwrap_or(u64::MAX));
        match (throttle, self.jobs) {
            (Some(throttle), Some(jobs)) => Some(throttle.min(jobs)),
            (throttle, jobs) => throttle.or(jobs),
        }
    }
}

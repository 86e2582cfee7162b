use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::{arrivals::Arrivals, mode::Mode, threshold::Threshold};

/// What a herd is to do: validated and complete.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What each job does.
    pub mode: Mode,
    /// The server under test.
    pub server: SocketAddr,
    /// The source addresses of connections, used in turn; empty to let the system choose.
    pub sources: Vec<IpAddr>,
    /// The number of jobs; `None` for as many as the duration allows.
    pub jobs: Option<u64>,
    /// When clients leave and no more jobs start.
    pub duration: Option<Duration>,
    /// The most jobs active at once; 0 for no limit.
    pub throttle: usize,
    /// The schedule of starts; `None` to start jobs as soon as the throttle permits.
    pub arrivals: Option<Arrivals>,
    /// How long each client stays in the game; `None` for to its end.
    pub hold: Option<Duration>,
    /// The interval between the moves of a player.
    pub move_interval: Duration,
    /// The size of an echo message, in bytes.
    pub size: usize,
    /// The timeout for connecting, for replies, and for silent connections.
    pub timeout: Duration,
    /// The number of worker threads.
    pub workers: usize,
    /// The conditions under which the run fails.
    pub thresholds: Vec<Threshold>,
}

impl Plan {
    /// The most jobs that can be active at once; `None` if there is no bound.
    pub fn max_active(&self) -> Option<u64> {
        let throttle =
            (self.throttle > 0).then(|| u64::try_from(self.throttle).unwrap_or(u64::MAX));
        match (throttle, self.jobs) {
            (Some(throttle), Some(jobs)) => Some(throttle.min(jobs)),
            (throttle, jobs) => throttle.or(jobs),
        }
    }
}

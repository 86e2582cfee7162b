use std::sync::Arc;

use crate::{
    client::RunContext,
    measure::{SharedTally, Tally},
    progress::Sample,
    throttle::Throttle,
};

/// Reads the tallies of all workers during a run.
#[derive(Debug)]
pub struct Sampler {
    context: Arc<RunContext>,
    throttle: Throttle,
    tallies: Vec<SharedTally>,
}

impl Sampler {
    /// A sampler of these `tallies`.
    pub fn new(context: Arc<RunContext>, throttle: Throttle, tallies: Vec<SharedTally>) -> Self {
        Self { context, throttle, tallies }
    }

    /// The state of the run now.
    pub fn sample(&self) -> Sample {
        let mut sample = Sample {
            at: self.context.start.elapsed(),
            active: self.throttle.active(),
            ..Sample::default()
        };
        for tally in &self.tallies {
            sample.add(&tally.lock());
        }
        sample
    }

    /// The sum of all tallies.
    pub fn merged(&self) -> Tally {
        let mut sum = Tally::default();
        for tally in &self.tallies {
            sum.merge(&tally.lock());
        }
        sum
    }

    /// The most jobs that were active at once.
    pub fn max_active(&self) -> usize {
        self.throttle.max_active()
    }
}

//! Whether a run passed, with which exit code, and why.

mod check;
mod completeness;
mod diagnosis;
mod generator;
mod measured;
mod number;
mod stream;

pub use self::{
    check::FailedCheck,
    measured::{Measured, deliveries_per_second},
};

use self::{
    check::Category, completeness::failed_completeness_checks, diagnosis::diagnose,
    generator::failed_generator_checks, stream::failed_stream_checks,
};
use crate::run::Run;

/// The verdict on a run.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The exit code: 0 if the run passed.
    pub exit_code: u8,
    /// The checks that failed.
    pub failed: Vec<FailedCheck>,
    /// In words: what failed, and where to look for the cause.
    pub diagnosis: Vec<String>,
}

impl Verdict {
    /// The verdict on `run`.
    pub fn new(run: &Run, measured: &Measured) -> Self {
        let failed = failed_checks(run, measured);
        Self {
            exit_code: run.interrupted.unwrap_or_else(|| exit_code(&failed)),
            diagnosis: diagnose(run, &failed),
            failed,
        }
    }

    /// Whether the run passed.
    pub fn has_passed(&self) -> bool {
        self.exit_code == 0
    }
}

fn failed_checks(run: &Run, measured: &Measured) -> Vec<FailedCheck> {
    let generator = failed_generator_checks(run, measured);
    let mut failed = failed_stream_checks(run, !generator.is_empty());
    failed.extend(failed_completeness_checks(run));
    failed.extend(generator);
    failed.extend(crossed_thresholds(run, measured));
    failed
}

fn crossed_thresholds(run: &Run, measured: &Measured) -> impl Iterator<Item = FailedCheck> {
    run.plan.thresholds.iter().filter_map(move |threshold| {
        let value = measured.value(threshold.metric, run);
        threshold.is_crossed(value).then(|| FailedCheck {
            category: Category::Threshold,
            check: threshold.to_string(),
            limit: threshold.value,
            value,
        })
    })
}

/// The exit code for the most severe of `failed`.
fn exit_code(failed: &[FailedCheck]) -> u8 {
    let worst = failed.iter().map(|check| check.category).min_by_key(|category| category.rank());
    worst.map_or(0, Category::exit_code)
}

#[cfg(test)]
mod tests;

use super::{
    check::{Category, FailedCheck},
    number::number,
};
use crate::{metric::Metric, run::Run, threshold::Threshold};

/// The failed checks of what clients received. If the generator was `overloaded`, what missed a
/// timeout does not count: it may have arrived in time.
pub fn failed_stream_checks(run: &Run, overloaded: bool) -> Vec<FailedCheck> {
    let mut failed = Vec::new();
    let mut check = |category, check: &str, value: f64| {
        if value > 0.0 {
            failed.push(FailedCheck::new(category, check, 0.0, value));
        }
    };
    let (counts, failures) = (&run.tally.counts, &run.tally.failures);
    let doubtful = if overloaded { run.tally.lost_by_timeout } else { 0 };
    check(Category::Stream, "lost", number(counts.lost - doubtful));
    check(Category::Stream, "duplicated", number(counts.duplicated));
    check(Category::Stream, "out_of_order", number(counts.out_of_order));
    check(Category::Stream, "malformed", number(counts.malformed));
    let allows_errors =
        |threshold: &Threshold| matches!(threshold.metric, Metric::Errors | Metric::ErrorPercent);
    if !run.plan.thresholds.iter().any(allows_errors) {
        let errors = failures.count_of(|kind| !(overloaded && kind.is_timeout()));
        check(Category::Incomplete, "errors", number(errors));
    }
    failed
}

//! Rounds: in each, every target is measured once, so that a change of the machine's speed affects
//! all of them.

use tribune_cli::print_message;

use crate::{metric::Sample, target::Target};

/// A target and its rounds.
#[derive(Clone, Debug)]
pub struct Measured {
    /// What was measured.
    pub target: Target,
    /// What was measured in each round, from the first.
    pub samples: Vec<Sample>,
    /// Whether a round failed. A target that has failed is not measured again.
    pub has_failed: bool,
}

/// Measures each of `targets` once per round. The order is reversed in every second round, so that
/// none always comes first. A failure is reported on standard error.
pub fn run(
    targets: &[Target],
    rounds: u32,
    mut measure: impl FnMut(&Target) -> anyhow::Result<Sample>,
) -> Vec<Measured> {
    let new = |target: &Target| Measured {
        target: target.clone(),
        samples: Vec::new(),
        has_failed: false,
    };
    let mut all: Vec<Measured> = targets.iter().map(new).collect();
    for round in 0..rounds {
        let mut order: Vec<&mut Measured> = all.iter_mut().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for measured in order.into_iter().filter(|measured| !measured.has_failed) {
            match measure(&measured.target) {
                Ok(sample) => measured.samples.push(sample),
                Err(error) => {
                    print_message(format_args!("{}: no result: {error:#}", measured.target));
                    measured.has_failed = true;
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metric::Metric, system::System};

    #[test]
    fn measures_each_target_once_per_round_in_alternating_order() {
        let targets = [System::Baseline.into(), System::Tribune.into()];
        let mut order = Vec::new();
        let all = run(&targets, 3, |target| {
            order.push(target.name.clone());
            Ok(vec![(Metric::P99, 1.0)])
        });
        assert_eq!(order.join(" "), "baseline tribune tribune baseline baseline tribune");
        assert!(all.iter().all(|one| one.samples.len() == 3 && !one.has_failed));
    }

    #[test]
    fn does_not_measure_a_target_again_that_has_failed() {
        let targets = [System::Baseline.into(), System::Tribune.into()];
        let mut calls = 0;
        let all = run(&targets, 3, |target| {
            anyhow::ensure!(target.system == System::Baseline || calls == 0, "lost an event");
            calls += usize::from(target.system == System::Tribune);
            Ok(vec![(Metric::P99, 1.0)])
        });
        assert_eq!((all[0].samples.len(), all[0].has_failed), (3, false));
        assert_eq!((all[1].samples.len(), all[1].has_failed), (1, true));
    }
}

//! What all rounds come to. Tables and the plot are made from this alone.

use crate::{
    metric::{Metric, Sample},
    rounds::Measured,
    spread::Spread,
    system::System,
};

/// How many decimals a multiple of the reference has at most.
const RATIO_DECIMALS: usize = 2;

/// The figures of all systems for one kind of work.
#[derive(Clone, Debug)]
pub struct Results {
    /// What was measured.
    pub title: String,
    /// The system that others are compared with, if it was measured.
    pub reference: Option<String>,
    /// One row per system that has any figures.
    pub rows: Vec<Row>,
}

/// The figures of one system.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// If a round failed, how many did not, as in `2 of 3 rounds`.
    pub incomplete: Option<String>,
    /// What it is.
    pub system: System,
    /// Sorted by metric.
    pub figures: Vec<Figure>,
}

/// One figure over all rounds.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// What was measured.
    pub metric: Metric,
    /// In the metric's unit.
    pub value: Spread,
    /// As a multiple of the reference in the same round.
    pub ratio: Option<Spread>,
}

impl Results {
    /// The results of `all` rounds. `reference` is the name of the system to compare with.
    pub fn new(title: String, all: &[Measured], reference: Option<&str>) -> Self {
        let rounds = all.iter().map(|measured| measured.samples.len()).max().unwrap_or(0);
        let compared = reference.and_then(|name| {
            let found = all.iter().find(|measured| measured.target.name == name)?;
            (!found.samples.is_empty()).then_some(found)
        });
        let samples = compared.map_or(&[][..], |measured| &measured.samples);
        let measured = all.iter().filter(|measured| !measured.samples.is_empty());
        let rows = measured.map(|measured| Row::new(measured, samples, rounds)).collect();
        Self { title, reference: compared.map(|measured| measured.target.name.clone()), rows }
    }
}

impl Row {
    /// `reference` has the samples of the same rounds. Targets are not measured again after a
    /// failure, so the same index is the same round.
    fn new(measured: &Measured, reference: &[Sample], rounds: usize) -> Self {
        let Measured { target, samples, .. } = measured;
        let mut metrics: Vec<Metric> =
            samples.iter().flatten().map(|&(metric, _)| metric).collect();
        metrics.sort_unstable();
        metrics.dedup();
        let figures = metrics.into_iter().filter_map(|metric| {
            let value = Spread::of(samples.iter().filter_map(|sample| value_of(sample, metric)))?;
            let pairs = samples.iter().zip(reference);
            let ratios = pairs.filter_map(|(own, reference)| {
                Some(value_of(own, metric)? / value_of(reference, metric)?)
            });
            let ratio = Spread::of(ratios).filter(|_| metric.is_compared());
            Some(Figure { metric, value, ratio })
        });
        let figures = figures.collect();
        let count = samples.len();
        let incomplete = (count < rounds).then(|| format!("{count} of {rounds} rounds"));
        Self { name: target.name.clone(), incomplete, system: target.system, figures }
    }

    /// The figure of `metric`, if it was measured.
    pub fn figure(&self, metric: Metric) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }
}

impl Figure {
    /// The value, as in `5.160 (4.900–5.300)`.
    pub fn text(&self) -> String {
        self.metric.text(self.value)
    }

    /// The multiple of the reference, as in `1.08 (1.02–1.11)`, if that was measured.
    pub fn ratio_text(&self) -> Option<String> {
        self.ratio.map(|ratio| ratio.text(RATIO_DECIMALS))
    }
}

fn value_of(sample: &Sample, metric: Metric) -> Option<f64> {
    sample.iter().find(|(own, _)| *own == metric).map(|&(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    fn measured(system: System, values: &[f64]) -> Measured {
        let samples = values.iter().map(|&value| vec![(Metric::P50, 1.0), (Metric::P99, value)]);
        let samples = samples.collect();
        Measured { target: Target::from(system), samples, has_failed: false }
    }

    fn results(reference: &[f64], own: &[f64]) -> Results {
        let all = [measured(System::Baseline, reference), measured(System::Tribune, own)];
        Results::new(String::new(), &all, Some("baseline"))
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let results = results(&[1.0, 2.0, 4.0], &[1.5, 4.0, 4.0]);
        let figure = results.rows[1].figure(Metric::P99).unwrap();
        assert_eq!(figure.value, Spread { median: 4.0, min: 1.5, max: 4.0 });
        // The ratio of the medians would be 2.
        assert_eq!(figure.ratio, Some(Spread { median: 1.5, min: 1.0, max: 2.0 }));
        assert_eq!(results.rows[1].figure(Metric::P50).unwrap().ratio, None);
    }

    #[test]
    fn row_shows_how_many_rounds_it_has_if_one_failed() {
        let results = results(&[1.0, 2.0, 4.0], &[3.0, 2.0]);
        assert_eq!(results.rows[0].incomplete, None);
        assert_eq!(results.rows[1].incomplete.as_deref(), Some("2 of 3 rounds"));
        let ratio = results.rows[1].figure(Metric::P99).unwrap().ratio;
        assert_eq!(ratio, Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
    }

    #[test]
    fn systems_without_a_result_have_no_row_and_are_no_reference() {
        let results = results(&[], &[3.0]);
        assert_eq!(results.reference, None);
        assert_eq!(results.rows.len(), 1);
        assert_eq!(results.rows[0].figure(Metric::P99).unwrap().ratio, None);
    }
}

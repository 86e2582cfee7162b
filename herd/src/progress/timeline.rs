use super::sample::{Row, Sample};

/// The most rows. When there are more, every other row is dropped and the interval doubled.
const MAX_ROWS: usize = 600;

/// How much earlier than due a sample may be.
const TOLERANCE_MS: u64 = 20;

/// The progress of a run: a row each second; in runs of more than ten minutes each two seconds, four
/// seconds, and so on.
#[derive(Clone, Debug)]
pub struct Timeline {
    rows: Vec<Row>,
    interval_ms: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { rows: Vec::new(), interval_ms: 1000 }
    }
}

impl Timeline {
    /// Adds `sample` if a row is due.
    pub fn note(&mut self, sample: &Sample) {
        let due = self.rows.last().map_or(0, |last| last.t_ms + self.interval_ms - TOLERANCE_MS);
        if sample.at.as_millis() >= due.into() {
            self.push(sample.row());
        }
    }

    /// Adds the last `sample`.
    pub fn note_last(&mut self, sample: &Sample) {
        self.push(sample.row());
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn push(&mut self, row: Row) {
        if self.rows.len() >= MAX_ROWS {
            let mut index = 0;
            self.rows.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.interval_ms *= 2;
        }
        self.rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_long_run_has_no_more_rows_than_a_short_one() {
        let (mut timeline, mut sample) = (Timeline::default(), Sample::default());
        for second in 0..86_400 {
            sample.at = Duration::from_secs(second);
            timeline.note(&sample);
        }
        let rows = timeline.rows();
        assert!((300..=600).contains(&rows.len()), "{}", rows.len());
        assert_eq!(rows[0].t_ms, 0);
        assert!(rows[rows.len() - 1].t_ms > 86_000_000);
        let steps: Vec<u64> = rows.windows(2).map(|pair| pair[1].t_ms - pair[0].t_ms).collect();
        assert!(steps.iter().all(|step| *step >= 128_000), "{steps:?}");
    }
}

use super::sample::{Row, Sample};

/// How many rows there are at most. When there are more, every other is dropped, so that a long run
/// has as many as a short one.
const MOST_ROWS: usize = 600;

/// A sample that is early by so much is not worth waiting for another.
const TOLERANCE_MS: u64 = 20;

/// How a run went over time: a row each second, or, when it takes longer than ten minutes, each two,
/// four …
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
    /// Takes in `sample`, if it is time for one.
    pub fn note(&mut self, sample: &Sample) {
        let due = self.rows.last().map_or(0, |last| last.t_ms + self.interval_ms - TOLERANCE_MS);
        if sample.at.as_millis() >= due.into() {
            self.push(sample.row());
        }
    }

    /// Takes in the last `sample`.
    pub fn note_last(&mut self, sample: &Sample) {
        self.push(sample.row());
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn push(&mut self, row: Row) {
        if self.rows.len() >= MOST_ROWS {
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
    fn a_day_takes_no_more_room_than_ten_minutes() {
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

use tribune_cli::print_message;

use super::sample::{Row, Sample, rate};

/// A line of `key=value` pairs each second, for logs and programs.
#[derive(Debug, Default)]
pub struct LogLines {
    before: Option<Row>,
}

impl LogLines {
    /// Prints the state of the run.
    pub fn show(&mut self, sample: &Sample) {
        let row = sample.row();
        if let Some(before) = self.before.replace(row) {
            print_message(line(&row, rate(&before, &row)));
        }
    }
}

fn line(row: &Row, rate: f64) -> String {
    let micros = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), |us| us.to_string());
    format!(
        "herd: t={}.{}s active={} started={} completed={} errors={} received={} rate={rate:.0}/s p50_us={} p99_us={} \
         lost={} duplicated={} out_of_order={} malformed={} skipped_notified={}",
        row.t_ms / 1000,
        row.t_ms % 1000 / 100,
        row.active,
        row.started,
        row.completed,
        row.failed,
        row.counts.received,
        micros(row.p50_us),
        micros(row.p99_us),
        row.counts.lost,
        row.counts.duplicated,
        row.counts.out_of_order,
        row.counts.malformed,
        row.counts.skipped_notified,
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn formats_pairs_of_key_and_value() {
        let sample = Sample { at: Duration::from_millis(3210), active: 7, ..Sample::default() };
        assert_eq!(
            line(&sample.row(), 12.4),
            "herd: t=3.2s active=7 started=0 completed=0 errors=0 received=0 rate=12/s p50_us=- p99_us=- \
             lost=0 duplicated=0 out_of_order=0 malformed=0 skipped_notified=0"
        );
    }
}

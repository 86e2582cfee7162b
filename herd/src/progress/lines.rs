use tribune_cli::say;

use super::sample::{Row, Sample, rate};

/// A line of `key=value` each second, for logs and for programs.
#[derive(Debug, Default)]
pub struct Lines {
    before: Option<Row>,
}

impl Lines {
    /// Prints how it stands.
    pub fn show(&mut self, sample: &Sample) {
        let row = sample.row();
        if let Some(before) = self.before.replace(row) {
            say(line(&row, rate(&before, &row)));
        }
    }
}

fn line(row: &Row, rate: f64) -> String {
    let millis = |us: Option<u64>| {
        us.map_or_else(|| "-".to_owned(), |us| format!("{}.{:03}ms", us / 1000, us % 1000))
    };
    format!(
        "herd: t={}.{}s active={} started={} done={} errors={} received={} rate={rate:.0}/s p50={} p99={} \
         lost={} duplicated={} out_of_order={} malformed={} told={}",
        row.t_ms / 1000,
        row.t_ms % 1000 / 100,
        row.active,
        row.started,
        row.done,
        row.failed,
        row.counts.received,
        millis(row.p50_us),
        millis(row.p99_us),
        row.counts.lost,
        row.counts.duplicated,
        row.counts.out_of_order,
        row.counts.malformed,
        row.counts.told,
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_value_has_its_key() {
        let sample = Sample { at: Duration::from_millis(3210), active: 7, ..Sample::default() };
        assert_eq!(
            line(&sample.row(), 12.4),
            "herd: t=3.2s active=7 started=0 done=0 errors=0 received=0 rate=12/s p50=- p99=- \
             lost=0 duplicated=0 out_of_order=0 malformed=0 told=0"
        );
    }
}

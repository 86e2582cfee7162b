use std::collections::VecDeque;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    Plan,
    sample::{Row, Sample, rate},
};

/// Ten times a second.
const REDRAWS_PER_SECOND: u8 = 10;

/// The rate is that of the last second: of so many samples.
const RATE_SAMPLES: usize = 10;

/// A picture in the terminal: a bar for how far it has come, and numbers below.
///
/// It uses no colour but those of the terminal's own, and says nothing by colour alone.
#[derive(Debug, Default)]
pub struct Live {
    bar: Option<ProgressBar>,
    recent: VecDeque<Row>,
}

impl Live {
    /// Draws how it stands.
    pub fn show(&mut self, plan: &Plan, sample: &Sample) {
        let row = sample.row();
        self.recent.push_back(row);
        if self.recent.len() > RATE_SAMPLES {
            self.recent.pop_front();
        }
        let rate = rate(&self.recent[0], &row);
        let bar = self.bar.get_or_insert_with(|| bar(plan));
        bar.set_position(match (plan.jobs, plan.duration) {
            // Whatever comes first ends it; members that stay are seen by the time.
            (_, Some(_)) => row.t_ms,
            (Some(_), None) => row.done + row.failed,
            (None, None) => 0,
        });
        bar.set_message(numbers(plan, &row, rate));
        bar.tick();
    }

    /// Prints `line` above the picture.
    pub fn tell(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(tribune_protocol::text::printable(line)),
            None => tribune_cli::say(line),
        }
    }

    /// Takes the picture away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(plan: &Plan) -> ProgressBar {
    let length = match (plan.jobs, plan.duration) {
        (_, Some(duration)) => u64::try_from(duration.as_millis()).ok(),
        (jobs, None) => jobs,
    };
    let target = ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND);
    let bar = ProgressBar::with_draw_target(length, target);
    let template = "{prefix} [{wide_bar}] {percent:>3}%  {elapsed_precise}\n{msg}";
    let style = ProgressStyle::with_template(template).expect("the template is right");
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(format!("herd {} at {}", plan.mode.name(), plan.server));
    bar
}

fn numbers(plan: &Plan, row: &Row, rate: f64) -> String {
    let of = |count: Option<u64>| count.map_or_else(String::new, |count| format!(" of {count}"));
    let throttle = (plan.throttle > 0).then_some(plan.throttle as u64);
    let millis = |us: Option<u64>| {
        us.map_or_else(|| "-".to_owned(), |us| format!("{}.{:03} ms", us / 1000, us % 1000))
    };
    let faults =
        row.counts.lost + row.counts.duplicated + row.counts.out_of_order + row.counts.malformed;
    format!(
        "  jobs     active {}{}   begun {}{}   done {}   failed {}\n  \
           received {} at {rate:.0}/s   p50 {}   p99 {}\n  \
           ledger   {} lost {}  duplicated {}  out of order {}  malformed {}  told {}",
        row.active,
        of(throttle),
        row.started,
        of(plan.jobs),
        row.done,
        row.failed,
        row.counts.received,
        millis(row.p50_us),
        millis(row.p99_us),
        if faults == 0 { "ok:" } else { "FAULTS:" },
        row.counts.lost,
        row.counts.duplicated,
        row.counts.out_of_order,
        row.counts.malformed,
        row.counts.told,
    )
}

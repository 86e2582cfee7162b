use std::collections::VecDeque;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tribune_cli::format_milliseconds;

use super::{
    Plan,
    sample::{Row, Sample, rate},
};

/// The rate of redraws.
const REDRAWS_PER_SECOND: u8 = 10;

/// How many samples the rate of deliveries is measured over: those of a second.
const RATE_SAMPLES: usize = 10;

/// A progress bar in the terminal, with figures below it.
///
/// It uses no colours.
#[derive(Debug, Default)]
pub struct Live {
    bar: Option<ProgressBar>,
    recent: VecDeque<Row>,
}

impl Live {
    /// Draws the state of the run.
    pub fn show(&mut self, plan: &Plan, sample: &Sample) {
        let row = sample.row();
        self.recent.push_back(row);
        if self.recent.len() > RATE_SAMPLES {
            self.recent.pop_front();
        }
        let rate = rate(&self.recent[0], &row);
        let bar = self.bar.get_or_insert_with(|| bar(plan));
        bar.set_position(match (plan.jobs, plan.duration) {
            // With both, the time is shown: clients of a game may all stay until then.
            (_, Some(_)) => row.t_ms,
            (Some(_), None) => row.completed + row.failed,
            (None, None) => 0,
        });
        bar.set_message(numbers(plan, &row, rate));
        bar.tick();
    }

    /// Prints `line` above the bar.
    pub fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(tribune_protocol::text::printable(line)),
            None => tribune_cli::print_message(line),
        }
    }

    /// Removes the bar.
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
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(format!("herd {} at {}", plan.mode.name(), plan.server));
    bar
}

fn numbers(plan: &Plan, row: &Row, rate: f64) -> String {
    let of = |count: Option<u64>| count.map_or_else(String::new, |count| format!(" of {count}"));
    let throttle = (plan.throttle > 0).then_some(plan.throttle as u64);
    let millis = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), format_milliseconds);
    let faults =
        row.counts.lost + row.counts.duplicated + row.counts.out_of_order + row.counts.malformed;
    format!(
        "  jobs     active {}{}   started {}{}   completed {}   failed {}\n  \
           received {} at {rate:.0}/s   p50 {}   p99 {}\n  \
           ledger   {} lost {}  duplicated {}  out of order {}  malformed {}  skipped {}",
        row.active,
        of(throttle),
        row.started,
        of(plan.jobs),
        row.completed,
        row.failed,
        row.counts.received,
        millis(row.p50_us),
        millis(row.p99_us),
        if faults == 0 { "ok:" } else { "FAULTS:" },
        row.counts.lost,
        row.counts.duplicated,
        row.counts.out_of_order,
        row.counts.malformed,
        row.counts.skipped_notified,
    )
}

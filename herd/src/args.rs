use std::{ops::RangeInclusive, path::PathBuf, time::Duration};

use tribune_cli::{parse_number_within, parse_time};

use crate::{
    metric::describe_metrics, mode::Mode, report::ReportFormat, source_addresses::SourceAddresses,
    threshold::Threshold,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The size of an echo message: it contains the number of its client, and an echo server accepts no
/// more than 100 bytes.
const SIZES: RangeInclusive<u64> = 24..=100;

/// The arguments of a herd, as typed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(allow_negative_numbers = true, after_help = after_help())]
pub struct HerdArgs {
    /// What each virtual client does
    #[arg(long, value_enum, default_value_t = Mode::Echo, help_heading = "Load")]
    pub mode: Mode,

    /// Number of jobs; each is one virtual client [default: 100; unlimited with --duration and
    /// either --mode echo or --hold]
    #[arg(long, short = 'n', value_name = "N", value_parser = parse_jobs, help_heading = "Load")]
    pub(crate) jobs: Option<u64>,

    /// After this time, start no more jobs, and end the clients of a game once they are up to date
    #[arg(long, short, value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    pub(crate) duration: Option<Duration>,

    /// Maximum number of jobs that are active at once; 0 for no limit [default: 25 with --mode echo
    /// or --hold and without --rate, otherwise 0]
    #[arg(long, short, value_name = "N", value_parser = tribune_cli::parse_number::<usize>, help_heading = "Load")]
    pub(crate) throttle: Option<usize>,

    /// Run one job at a time, to compare with concurrent jobs; same as --throttle 1
    #[arg(long, conflicts_with = "throttle", help_heading = "Load")]
    pub(crate) sequential: bool,

    /// Start this many jobs per second, at fixed times, even if earlier jobs have not ended
    #[arg(long, short, value_name = "R", value_parser = parse_rate, help_heading = "Load")]
    pub(crate) rate: Option<f64>,

    /// Increase the rate linearly from 0 to --rate over this time
    #[arg(long, value_name = "TIME", requires = "rate", default_value = "0s", hide_default_value = true, value_parser = parse_ramp, help_heading = "Load")]
    pub(crate) ramp: Duration,

    /// How long each client stays connected before the next job can start in its place; only with
    /// --mode watch or play [default: until the game ends]
    #[arg(long, alias = "stay", value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    pub(crate) hold: Option<Duration>,

    /// Interval between the moves of each client; only with --mode play [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    pub(crate) move_interval: Option<Duration>,

    /// Size of an echo message, from 24 to 100; only with --mode echo [default: 64]
    #[arg(long, value_name = "BYTES", value_parser = parse_size, help_heading = "Load")]
    pub(crate) size: Option<u64>,

    /// Timeout for connecting, for a reply or an expected event, and for a connection on which nothing arrives
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration, help_heading = "Network")]
    pub(crate) timeout: Duration,

    /// Source addresses of connections, used in turn: a comma-separated list of addresses and ranges,
    /// or auto: the system's choice, and on loopback as many addresses as needed
    #[arg(long, value_name = "IPS", default_value = "auto", help_heading = "Network")]
    pub(crate) source: SourceAddresses,

    /// Number of worker threads [default: half of the processors]
    #[arg(long, value_name = "N", value_parser = parse_workers, help_heading = "Network")]
    pub(crate) workers: Option<u16>,

    /// Fail if this condition holds, as in 'p99>20ms', 'errors>0.1%' or 'rate<500'; can be repeated
    #[arg(long, value_name = "CONDITION", help_heading = "Verdict")]
    pub(crate) fail_if: Vec<Threshold>,

    /// Print the report as one JSON document
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,

    /// Also write the report to a file: .html with plots, .json, or .csv with a row per second; can
    /// be repeated
    #[arg(long, short, value_name = "FILE", value_parser = parse_output, help_heading = "Output")]
    pub(crate) output: Vec<(PathBuf, ReportFormat)>,

    /// Log the start and end of each job
    #[arg(long, short, help_heading = "Output")]
    pub(crate) verbose: bool,

    /// Show no progress
    #[arg(long, short, help_heading = "Output")]
    pub(crate) quiet: bool,
}

const EXAMPLES: &str = "Examples:
  client herd                                      100 messages to `server echo`, 25 at a time
  client herd --jobs 12 --throttle 8 --verbose     12 messages, 8 at a time, with a log of each
  client herd --jobs 12 --sequential               12 messages, one at a time
  client herd --rate 200 --duration 10s            200 messages per second
  client herd --mode watch --jobs 1000             1000 spectators, until the game ends
  client herd --mode watch -n 5000 -t 500 --hold 2s   5000 spectators, 500 at a time
  client herd --mode play -n 50 -d 30s --move-interval 100ms --fail-if 'p99>20ms'
  client herd --json --output report.html          JSON to standard output, plots to a file

Metrics for --fail-if:
";

const EXIT_CODES: &str = "

Exit codes: 0 passed; 1 incomplete: jobs failed or did not start; 2 invalid usage; 3 events or echoes \
were lost, duplicated, out of order or malformed; 4 a --fail-if condition held; 5 the generator was \
the bottleneck; 130 interrupted (Ctrl-C ends the run with a report; a second Ctrl-C exits without one); 143 terminated";

fn after_help() -> String {
    [EXAMPLES, &describe_metrics(), EXIT_CODES].concat()
}

fn parse_jobs(text: &str) -> Result<u64, String> {
    parse_number_within(text, 1..=u64::MAX)
}

fn parse_size(text: &str) -> Result<u64, String> {
    parse_number_within(text, SIZES)
}

fn parse_workers(text: &str) -> Result<u16, String> {
    parse_number_within(text, 1..=256)
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), DAY)
}

fn parse_ramp(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::ZERO, DAY)
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate =
        text.parse().ok().filter(|rate: &f64| rate.is_finite() && (0.001..=1e6).contains(rate));
    rate.ok_or_else(|| "expected a number of jobs per second from 0.001 to 1000000".to_owned())
}

fn parse_output(text: &str) -> Result<(PathBuf, ReportFormat), String> {
    let path = PathBuf::from(text);
    let format = ReportFormat::of(&path)?;
    Ok((path, format))
}

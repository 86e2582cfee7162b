use std::{net::SocketAddr, path::PathBuf, thread::available_parallelism, time::Duration};

use thiserror::Error;
use tribune_cli::{parse_number_within, parse_time};

use super::{
    arrivals::Arrivals,
    limit::{Limit, metrics},
    plan::{Mode, Plan},
    preflight::{check_descriptors, check_file, check_ports},
    report::ReportFormat,
    source::Sources,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How many jobs there are unless told otherwise, and how many of them may be active where that
/// is what one wants to see.
const JOBS: u64 = 100;
const THROTTLE: usize = 25;

/// From one move to the next, and the bytes of a message, unless told otherwise.
const MOVE_INTERVAL: Duration = Duration::from_secs(1);
const SIZE: usize = 64;

/// A message tells which member sent it, and has at most as many bytes as an echo server takes.
const SIZES: std::ops::RangeInclusive<u64> = 24..=100;

/// How a herd is to be run, as it is typed.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(allow_negative_numbers = true, after_help = after_help())]
pub struct HerdArgs {
    /// What members do
    #[arg(long, value_enum, default_value_t = Mode::Echo, help_heading = "Load")]
    pub mode: Mode,

    /// How many jobs, or members of a game [default: 100, or as many as there is time for]
    #[arg(long, short = 'n', value_name = "N", value_parser = parse_jobs, help_heading = "Load")]
    jobs: Option<u64>,

    /// Begin no more jobs after this time, and let members of a game leave
    #[arg(long, short, value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    duration: Option<Duration>,

    /// The most that are active at once; 0 for no limit [default: 25 where jobs come and go without a rate, otherwise 0]
    #[arg(long, short, value_name = "N", value_parser = tribune_cli::parse_number::<usize>, help_heading = "Load")]
    throttle: Option<usize>,

    /// Run one job after the other, to see what it gains to run them at once
    #[arg(long, conflicts_with = "throttle", help_heading = "Load")]
    sequential: bool,

    /// Begin so many jobs per second, whether there is an answer to the last or not
    #[arg(long, short, value_name = "R", value_parser = parse_rate, help_heading = "Load")]
    rate: Option<f64>,

    /// Let the rate rise from 0 for so long
    #[arg(long, value_name = "TIME", requires = "rate", default_value = "0s", hide_default_value = true, value_parser = parse_ramp, help_heading = "Load")]
    ramp: Duration,

    /// How long each member stays in a game, making room for the next; not with --mode echo [default: to
    /// its end]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    stay: Option<Duration>,

    /// From one move of a player to its next; only with --mode play [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "Load")]
    move_interval: Option<Duration>,

    /// The bytes of a message to be echoed; only with --mode echo [default: 64]
    #[arg(long, value_name = "BYTES", value_parser = parse_size, help_heading = "Load")]
    size: Option<u64>,

    /// How long a connection, an answer, or silence may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration, help_heading = "Network")]
    timeout: Duration,

    /// Where connections come from, in turn: addresses and ranges of this machine, or auto, which on
    /// loopback takes as many as it needs
    #[arg(long, value_name = "IPS", default_value = "auto", help_heading = "Network")]
    source: Sources,

    /// The threads that do the work [default: half of the processors]
    #[arg(long, value_name = "N", value_parser = parse_workers, help_heading = "Network")]
    workers: Option<u16>,

    /// Fail if this is so, as in 'p99>20ms', 'errors>0.1%' or 'rate<500'; may be given several times
    #[arg(long, value_name = "LIMIT", help_heading = "Verdict")]
    fail_if: Vec<Limit>,

    /// Print the report as one JSON document
    #[arg(long, help_heading = "Output")]
    json: bool,

    /// Write the report into a file too: .html with plots, .json, or .csv with a row each second
    #[arg(long, short, value_name = "FILE", value_parser = parse_output, help_heading = "Output")]
    output: Vec<(PathBuf, ReportFormat)>,

    /// Tell of each job when it begins and ends
    #[arg(long, short, help_heading = "Output")]
    verbose: bool,

    /// Do not show how it goes
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

const EXAMPLES: &str = "Examples:
  client herd                                      100 messages to `server echo`, 25 at a time
  client herd --jobs 12 --throttle 8 --verbose     see the queue let them in
  client herd --jobs 12 --sequential               the same, one after the other
  client herd --rate 200 --duration 10s            200 messages per second, whatever comes back
  client herd --mode watch --jobs 1000             a thousand spectators, to the end of the game
  client herd --mode watch -n 5000 -t 500 --stay 2s   with 500 places
  client herd --mode play -n 50 -d 30s --move-interval 100ms --fail-if 'p99>20ms'
  client herd --json --output report.html          for a program, and for people

What can be limited:
";

const EXIT_CODES: &str = "

Exit codes: 0 passed; 1 could not be run as asked, or jobs failed; 2 wrong usage; 3 something was \
lost, duplicated, out of order or malformed; 4 a limit was crossed; 5 the generator was the \
bottleneck; 130 interrupted (once for the report, twice to end at once)";

fn after_help() -> String {
    [EXAMPLES, &metrics(), EXIT_CODES].concat()
}

/// What comes of the arguments.
#[derive(Debug)]
pub struct HerdOptions {
    /// What is to be done.
    pub plan: Plan,
    /// How it is printed.
    pub format: ReportFormat,
    /// Where else it is written.
    pub files: Vec<(PathBuf, ReportFormat)>,
    /// Whether each job is told of.
    pub verbose: bool,
    /// Whether nothing is shown while it goes on.
    pub quiet: bool,
}

/// Why a herd cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HerdArgsError {
    /// It was asked for in a way that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something that it needs is not there.
    #[error("{0}")]
    Missing(String),
}

impl HerdArgs {
    /// What was asked for, against the server at `server`. Looks up its name, and checks whether
    /// this machine has what is needed.
    ///
    /// # Errors
    /// Says what is missing, and what to do.
    pub fn into_options(self, server: &str) -> Result<HerdOptions, HerdArgsError> {
        self.check_usage().map_err(HerdArgsError::Usage)?;
        let server = resolve(server)?;
        // Jobs end by themselves, or else as many as there is time for would be one each.
        let come_and_go = self.mode == Mode::Echo || self.stay.is_some();
        let jobs = self.jobs.or((self.duration.is_none() || !come_and_go).then_some(JOBS));
        let throttle = match (self.sequential, self.throttle) {
            (true, _) => 1,
            (false, Some(throttle)) => throttle,
            // With a rate they begin when they are due; and members that stay all have to get in.
            (false, None) if self.rate.is_some() || !come_and_go => 0,
            (false, None) => THROTTLE,
        };
        if throttle == 0 && jobs.is_none() && self.rate.is_none() {
            return Err(HerdArgsError::Usage(
                "the number of jobs has no limit: give --jobs, --throttle or --rate".to_owned(),
            ));
        }
        let mut plan = Plan {
            mode: self.mode,
            server,
            sources: Vec::new(),
            jobs,
            duration: self.duration,
            throttle,
            arrivals: self.rate.map(|rate| Arrivals { rate, ramp: self.ramp }),
            stay: self.stay,
            move_interval: self.move_interval.unwrap_or(MOVE_INTERVAL),
            size: self.size.map_or(SIZE, |size| usize::try_from(size).unwrap_or(SIZE)),
            timeout: self.timeout,
            workers: self.workers.map_or_else(default_workers, usize::from),
            limits: self.fail_if,
        };
        // How many will be active at once with a rate alone depends on the server.
        let connections = plan.most_active().unwrap_or(0);
        check_descriptors(connections, plan.workers).map_err(HerdArgsError::Missing)?;
        plan.sources =
            check_ports(&self.source, server, connections).map_err(HerdArgsError::Missing)?;
        for (path, _) in &self.output {
            check_file(path).map_err(HerdArgsError::Missing)?;
        }
        let format = if self.json { ReportFormat::Json } else { ReportFormat::Text };
        let (files, verbose, quiet) = (self.output, self.verbose, self.quiet);
        Ok(HerdOptions { plan, format, files, verbose, quiet })
    }
}

impl HerdArgs {
    /// Refuses options that would have no effect.
    fn check_usage(&self) -> Result<(), String> {
        let mode = self.mode;
        let stay = self.stay.is_some() && mode == Mode::Echo;
        let move_interval = self.move_interval.is_some() && mode != Mode::Play;
        let size = self.size.is_some() && mode != Mode::Echo;
        for (is_given, flag, modes) in [
            (stay, "--stay", "--mode watch or play"),
            (move_interval, "--move-interval", "--mode play"),
            (size, "--size", "--mode echo"),
        ] {
            if is_given {
                return Err(format!("{flag} is for {modes}, and this is --mode {}", mode.name()));
            }
        }
        for limit in &self.fail_if {
            if let Some(why) = limit.metric.is_missing_in(mode, self.rate.is_some()) {
                return Err(format!("--fail-if '{limit}' is never measured: {why}"));
            }
        }
        Ok(())
    }
}

/// Half for the herd leaves half for a server on the same machine.
fn default_workers() -> usize {
    available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

fn resolve(server: &str) -> Result<SocketAddr, HerdArgsError> {
    tribune_cli::resolve(server).map_err(|error| {
        HerdArgsError::Missing(format!("cannot resolve the server {server:?}: {error}"))
    })
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Args {
        #[command(flatten)]
        herd: HerdArgs,
    }

    fn options(args: &[&str]) -> Result<HerdOptions, String> {
        let args =
            Args::try_parse_from([&["herd"], args].concat()).map_err(|error| error.to_string())?;
        args.herd.into_options("127.0.0.1:7777").map_err(|error| error.to_string())
    }

    fn plan(args: &[&str]) -> Plan {
        options(args).unwrap().plan
    }

    #[test]
    fn what_is_not_said_follows_from_what_is() {
        let echo = plan(&[]);
        assert_eq!((echo.mode, echo.jobs, echo.throttle), (Mode::Echo, Some(100), 25));
        assert_eq!(plan(&["--duration", "1s"]).jobs, None);
        assert_eq!(plan(&["--sequential"]).throttle, 1);
        let watch = plan(&["--mode", "watch", "--duration", "1s"]);
        assert_eq!((watch.jobs, watch.throttle), (Some(100), 0));
        assert_eq!(plan(&["--mode", "watch", "-d", "1s", "--stay", "100ms"]).jobs, None);
        assert_eq!(plan(&["--rate", "5", "--ramp", "2s"]).arrivals.unwrap().ramp.as_secs(), 2);
    }

    #[test]
    fn what_this_machine_has_not_is_refused_with_what_to_do() {
        let error = options(&["--jobs", "90000000", "--throttle", "0"]).unwrap_err();
        assert!(error.contains("ulimit -Hn") && error.contains("--throttle"), "{error}");
    }

    #[test]
    fn what_would_be_without_effect_is_refused() {
        let cases: [(&[&str], &str); 10] = [
            (&["--stay", "1s"], "--stay is for --mode watch or play"),
            (&["--move-interval", "1s"], "--move-interval is for --mode play"),
            (&["--mode", "watch", "--move-interval", "1s"], "this is --mode watch"),
            (&["--mode", "watch", "--size", "64"], "--size is for --mode echo"),
            (&["--mode", "play", "--size", "64"], "this is --mode play"),
            (&["--fail-if", "skew.p99>1ms"], "--mode watch or play"),
            (&["--fail-if", "ticks.max>1ms"], "--mode watch or play"),
            (&["--fail-if", "told>0"], "--mode watch or play"),
            (&["--fail-if", "response.max>1ms"], "--rate"),
            (&["--mode", "watch", "--fail-if", "response.max>1ms"], "--mode play"),
        ];
        for (args, part) in cases {
            let error = options(args).unwrap_err();
            assert!(error.contains(part), "{args:?}: {error}");
        }
        for args in [
            &["--size", "64", "--rate", "5", "--fail-if", "response.p99.9>1s"][..],
            &["--mode", "watch", "--stay", "1s", "--fail-if", "ticks.p99>1s"],
            &[
                "--mode",
                "play",
                "--stay",
                "1s",
                "--move-interval",
                "1s",
                "--fail-if",
                "response.max>1s",
            ],
        ] {
            options(args).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_what_would_be() {
        let cases: [(&[&str], &str); 7] = [
            (&["--ramp", "1s"], "--rate"),
            (&["--rate", "0"], "jobs per second"),
            (&["--size", "200"], "from 24 to 100"),
            (&["--source", "here"], "10.0.0.1"),
            (&["--fail-if", "p99"], "p99>20ms"),
            (&["--output", "report.pdf"], ".html, .json or .csv"),
            (&["--sequential", "--throttle", "3"], "cannot be used"),
        ];
        for (args, part) in cases {
            let error = options(args).unwrap_err();
            assert!(error.contains(part), "{args:?}: {error}");
        }
    }
}

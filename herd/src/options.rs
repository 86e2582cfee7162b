use std::{net::SocketAddr, path::PathBuf, thread::available_parallelism, time::Duration};

use thiserror::Error;
use tribune_cli::raise_descriptor_limit;

use crate::{
    args::HerdArgs,
    arrivals::Arrivals,
    mode::Mode,
    plan::Plan,
    preflight::{check_descriptors, check_file, check_ports},
    report::ReportFormat,
};

/// The default number of jobs.
const JOBS: u64 = 100;

/// The default throttle for jobs that end by themselves.
const THROTTLE: usize = 25;

/// The default interval between the moves of a player.
const MOVE_INTERVAL: Duration = Duration::from_secs(1);

/// The default size of an echo message, in bytes.
const SIZE: usize = 64;

/// The validated options of a herd.
#[derive(Debug)]
pub struct HerdOptions {
    /// What to do.
    pub(crate) plan: Plan,
    /// The format of the report on standard output.
    pub(crate) format: ReportFormat,
    /// Further files for the report.
    pub(crate) files: Vec<(PathBuf, ReportFormat)>,
    /// Whether to log each job.
    pub(crate) verbose: bool,
    /// Whether to show no progress.
    pub(crate) quiet: bool,
}

/// Why a herd cannot run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HerdArgsError {
    /// The arguments are invalid.
    #[error("{0}")]
    Usage(String),
    /// This machine lacks something that the run needs.
    #[error("{0}")]
    Missing(String),
}

impl HerdArgs {
    /// The options for a herd against the server at `server`. Resolves its name, raises the limit of
    /// open files, and checks that this machine has the resources for the run.
    ///
    /// # Errors
    /// If arguments are invalid, or resources are missing: says what to do.
    pub fn into_options(self, server: &str) -> Result<HerdOptions, HerdArgsError> {
        self.check_usage().map_err(HerdArgsError::Usage)?;
        let format = if self.json { ReportFormat::Json } else { ReportFormat::Text };
        let (verbose, quiet) = (self.verbose, self.quiet);
        let files = self.output.clone();
        let sources = self.source.clone();
        let mut plan = self.into_plan(resolve(server)?)?;
        // If the limit cannot be raised, the check below says what is missing.
        let _ = raise_descriptor_limit();
        // With a rate alone, how many will be active depends on the server.
        let connections = plan.max_active().unwrap_or(0);
        check_descriptors(connections, plan.workers).map_err(HerdArgsError::Missing)?;
        plan.sources =
            check_ports(&sources, plan.server, connections).map_err(HerdArgsError::Missing)?;
        for (path, _) in &files {
            check_file(path).map_err(HerdArgsError::Missing)?;
        }
        Ok(HerdOptions { plan, format, files, verbose, quiet })
    }

    /// Rejects options that would have no effect.
    fn check_usage(&self) -> Result<(), String> {
        let mode = self.mode;
        let hold = self.hold.is_some() && mode == Mode::Echo;
        let move_interval = self.move_interval.is_some() && mode != Mode::Play;
        let size = self.size.is_some() && mode != Mode::Echo;
        for (has_no_effect, flag, modes) in [
            (hold, "--hold", "--mode watch or play"),
            (move_interval, "--move-interval", "--mode play"),
            (size, "--size", "--mode echo"),
        ] {
            if has_no_effect {
                return Err(format!("{flag} requires {modes}, not --mode {}", mode.name()));
            }
        }
        for threshold in &self.fail_if {
            if let Some(why) = threshold.metric.reason_unavailable(mode, self.rate.is_some()) {
                return Err(format!("--fail-if '{threshold}' has nothing to measure: {why}"));
            }
        }
        Ok(())
    }

    fn into_plan(self, server: SocketAddr) -> Result<Plan, HerdArgsError> {
        // Otherwise jobs last until the game or the run ends.
        let jobs_end = self.mode == Mode::Echo || self.hold.is_some();
        let jobs = self.jobs.or((self.duration.is_none() || !jobs_end).then_some(JOBS));
        let throttle = match (self.sequential, self.throttle) {
            (true, _) => 1,
            (false, Some(throttle)) => throttle,
            // A schedule says when jobs start, and jobs that do not end must all fit.
            (false, None) if self.rate.is_some() || !jobs_end => 0,
            (false, None) => THROTTLE,
        };
        if throttle == 0 && jobs.is_none() && self.rate.is_none() {
            return Err(HerdArgsError::Usage(
                "the number of jobs is unlimited: set --jobs, --throttle or --rate".to_owned(),
            ));
        }
        Ok(Plan {
            mode: self.mode,
            server,
            sources: Vec::new(),
            jobs,
            duration: self.duration,
            throttle,
            arrivals: self.rate.map(|rate| Arrivals { rate, ramp: self.ramp }),
            hold: self.hold,
            move_interval: self.move_interval.unwrap_or(MOVE_INTERVAL),
            size: self.size.map_or(SIZE, |size| usize::try_from(size).unwrap_or(SIZE)),
            timeout: self.timeout,
            workers: self.workers.map_or_else(default_workers, usize::from),
            thresholds: self.fail_if,
        })
    }
}

/// Half of the processors: the other half is for a server on the same machine.
fn default_workers() -> usize {
    available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

fn resolve(server: &str) -> Result<SocketAddr, HerdArgsError> {
    tribune_cli::resolve(server).map_err(|error| {
        HerdArgsError::Missing(format!("cannot resolve the server {server:?}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

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
    fn derives_defaults_from_other_options() {
        let echo = plan(&[]);
        assert_eq!((echo.mode, echo.jobs, echo.throttle), (Mode::Echo, Some(100), 25));
        assert_eq!(plan(&["--duration", "1s"]).jobs, None);
        assert_eq!(plan(&["--sequential"]).throttle, 1);
        let watch = plan(&["--mode", "watch", "--duration", "1s"]);
        assert_eq!((watch.jobs, watch.throttle), (Some(100), 0));
        assert_eq!(plan(&["--mode", "watch", "-d", "1s", "--hold", "100ms"]).jobs, None);
        assert_eq!(plan(&["--rate", "5", "--ramp", "2s"]).arrivals.unwrap().ramp.as_secs(), 2);
    }

    #[test]
    fn accepts_the_former_names_of_options() {
        let hold = plan(&["--mode", "watch", "--stay", "2s"]).hold;
        assert_eq!(hold, Some(Duration::from_secs(2)));
        let help = Args::command().render_long_help().to_string();
        assert!(help.contains("--hold") && !help.contains("--stay"), "{help}");
        plan(&["--mode", "watch", "--fail-if", "told>0"]);
    }

    #[test]
    fn rejects_runs_beyond_the_limits_of_the_machine() {
        let error = options(&["--jobs", "90000000", "--throttle", "0"]).unwrap_err();
        assert!(error.contains("ulimit -Hn") && error.contains("--throttle"), "{error}");
    }

    #[test]
    fn rejects_options_without_effect() {
        let cases: [(&[&str], &str); 10] = [
            (&["--hold", "1s"], "--hold requires --mode watch or play"),
            (&["--move-interval", "1s"], "--move-interval requires --mode play"),
            (&["--mode", "watch", "--move-interval", "1s"], "not --mode watch"),
            (&["--mode", "watch", "--size", "64"], "--size requires --mode echo"),
            (&["--mode", "play", "--size", "64"], "not --mode play"),
            (&["--fail-if", "skew.p99>1ms"], "--mode watch or play"),
            (&["--fail-if", "ticks.max>1ms"], "--mode watch or play"),
            (&["--fail-if", "skipped_notified>0"], "--mode watch or play"),
            (&["--fail-if", "response.max>1ms"], "--rate"),
            (&["--mode", "watch", "--fail-if", "response.max>1ms"], "--mode play"),
        ];
        for (args, part) in cases {
            let error = options(args).unwrap_err();
            assert!(error.contains(part), "{args:?}: {error}");
        }
        for args in [
            &["--size", "64", "--rate", "5", "--fail-if", "response.p99.9>1s"][..],
            &["--mode", "watch", "--hold", "1s", "--fail-if", "ticks.p99>1s"],
            &[
                "--mode",
                "play",
                "--hold",
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
    fn rejects_invalid_values_with_what_is_expected() {
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

    #[cfg(not(feature = "plots"))]
    #[test]
    fn rejects_plots_in_a_build_without_them() {
        let error = options(&["--output", "report.html"]).unwrap_err();
        assert!(error.contains("this build has no plots"), "{error}");
    }
}

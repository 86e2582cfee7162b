use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

/// Sends log lines to standard error. `RUST_LOG` says which; without it, warnings and worse.
pub fn init_log(format: LogFormat) {
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    // A log that nobody can read any more is no reason to fail.
    let builder =
        fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    match format {
        LogFormat::Text => builder.with_ansi(tribune_cli::colours_suit_stderr()).init(),
        LogFormat::Json => builder.json().init(),
    }
}

//! What the server says on standard error: log lines, and what people should know.
//!
//! None of it ever waits: a terminal that is stopped, or a pipe that nobody reads, is not to hold
//! up a game. A thread writes, and what it cannot write in time is lost.

use std::{
    fmt::Display,
    io::{self, Write},
};

use clap::ValueEnum;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};

/// How many messages may wait to be written.
const WAITING: usize = 10_000;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

/// The way to standard error. Cloning gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Messages(NonBlocking);

impl Messages {
    /// Opens the way, and sends log lines along it, too. `RUST_LOG` says which; without it,
    /// warnings and worse. Dropping the guard waits a moment for what is still to be written.
    pub fn open(format: LogFormat) -> (Self, WorkerGuard) {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(WAITING).lossy(true);
        let (writer, guard) = builder.finish(io::stderr());
        let filter =
            EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
        let builder =
            fmt().with_env_filter(filter).with_writer(writer.clone()).log_internal_errors(false);
        match format {
            LogFormat::Text => builder.with_ansi(tribune_cli::colours_suit_stderr()).init(),
            LogFormat::Json => builder.json().init(),
        }
        (Self(writer), guard)
    }

    /// Tells the person in front of the server something.
    pub fn say(&self, message: impl Display) {
        // It takes everything, or loses it.
        let _ = self.0.clone().write_all(format!("{message}\n").as_bytes());
    }
}

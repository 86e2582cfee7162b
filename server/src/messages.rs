//! What the server says: log lines, and what people should know.
//!
//! None of it ever waits: a terminal that is stopped, or a pipe that nobody reads, is not to hold
//! up a game. A thread writes, and what it cannot write in time is lost.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use clap::ValueEnum;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};

/// How many messages may wait to be written.
const WAITING: usize = 10_000;

/// How long the first message may take.
const PATIENCE: Duration = Duration::from_millis(200);

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

/// A way to one of the standard streams. Cloning gives another handle to the same.
#[derive(Clone, Debug)]
pub struct Messages(NonBlocking);

impl Messages {
    /// Opens the way to `stream`. Dropping the guard waits a moment for what is still to be written.
    pub fn to(stream: impl Write + Send + 'static) -> (Self, WorkerGuard) {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(WAITING).lossy(true);
        let (writer, guard) = builder.finish(stream);
        (Self(writer), guard)
    }

    /// Opens the way to standard error, and sends log lines along it, too. `RUST_LOG` says which;
    /// without it, warnings and worse.
    pub fn open(format: LogFormat) -> (Self, WorkerGuard) {
        let (Self(writer), guard) = Self::to(io::stderr());
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

    /// Tells the person in front of the server something, before anything else happens: waits until
    /// it is written, but not for long.
    pub fn say_first(&self, message: impl Display) {
        let text = format!("{message}\n");
        let (written, done) = channel();
        thread::spawn(move || {
            // There may be nobody to tell.
            let _ = io::stderr().write_all(text.as_bytes());
            let _ = written.send(());
        });
        // A terminal that is stopped shows it later.
        let _ = done.recv_timeout(PATIENCE);
    }

    /// Tells the person in front of the server something.
    pub fn say(&self, message: impl Display) {
        // It takes everything, or loses it.
        let _ = self.0.clone().write_all(format!("{message}\n").as_bytes());
    }
}

//! What the server says: log lines, and what people should know.
//!
//! None of it ever waits: a terminal that is stopped, or a pipe that nobody reads, is not to hold
//! up a game. A thread writes, and what it cannot write in time is lost.
//!
//! All of it is printable: what is not is escaped here, wherever it comes from.

use std::{
    borrow::Cow,
    env,
    ffi::OsStr,
    fmt::Display,
    io::{self, Write},
    thread,
    time::Duration,
};

use clap::ValueEnum;
use tokio::{sync::oneshot, time::timeout};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};
use tribune_cli::colours_suit_stderr;
use tribune_protocol::{
    escape_json,
    text::{printable, quote},
};

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
        let messages = Self(writer.clone());
        let filter = messages.filter(&env::var_os("RUST_LOG").unwrap_or_default());
        let coloured = colours_suit_stderr();
        let log = writer.clone();
        let layer = fmt::layer()
            .with_writer(move || LogWriter { to: log.clone(), format, coloured })
            .log_internal_errors(false);
        let registry = tracing_subscriber::registry().with(filter);
        match format {
            LogFormat::Text => registry.with(layer.with_ansi(coloured)).init(),
            LogFormat::Json => registry.with(layer.json()).init(),
        }
        (messages, guard)
    }

    /// The filter that `wanted`, the value of `RUST_LOG`, describes: levels, and `target=level`
    /// pairs, separated by commas. Warnings and worse if it is empty or invalid.
    fn filter(&self, wanted: &OsStr) -> Targets {
        let warnings = Targets::new().with_default(LevelFilter::WARN);
        if wanted.is_empty() {
            return warnings;
        }
        wanted.to_string_lossy().parse().unwrap_or_else(|_| {
            let shown = quote(wanted.as_encoded_bytes());
            self.say(format_args!(
                "invalid RUST_LOG {shown}: expected error, warn, info, debug or trace; only warnings are logged"
            ));
            warnings
        })
    }

    /// Tells the person in front of the server something, before anything else happens: waits until
    /// it is written, but not for long.
    pub async fn say_first(&self, lines: &[String]) {
        let lines: Vec<Cow<'_, str>> = lines.iter().map(|line| printable(line)).collect();
        let text = lines.join(
            "
",
        ) + "
";
        // A terminal that is stopped shows it later.
        let _ = timeout(PATIENCE, write(io::stderr(), text)).await;
    }

    /// Tells the person in front of the server something, in one line.
    pub fn say(&self, message: impl Display) {
        let line = format!("{}\n", printable(&message.to_string()));
        // It takes everything, or loses it.
        let _ = self.0.clone().write_all(line.as_bytes());
    }
}

/// Where log lines are written to. Each write is a whole line.
struct LogWriter {
    to: NonBlocking,
    format: LogFormat,
    coloured: bool,
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.to.write_all(&printable_log_line(line, self.format, self.coloured))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// `line` with escapes for what is not printable in it, but for its end and, if it is `coloured`, the
/// beginnings of the escape sequences for that: tracing-subscriber has escaped those in values.
fn printable_log_line(line: &[u8], format: LogFormat, coloured: bool) -> Vec<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut shown = match format {
        LogFormat::Json => escape_json(line).into_owned(),
        LogFormat::Text => {
            let text = String::from_utf8_lossy(line);
            let parts: Vec<Cow<'_, str>> = if coloured {
                text.split('\u{1b}').map(printable).collect()
            } else {
                vec![printable(&text)]
            };
            parts.join("\u{1b}").into_bytes()
        }
    };
    shown.push(b'\n');
    shown
}

/// Writes `text` to `stream` on a thread of its own, and waits until that is done. It is done even
/// if this is not waited for.
async fn write(mut stream: impl Write + Send + 'static, text: String) {
    let (written, done) = oneshot::channel();
    let write = move || {
        // There may be nobody to tell.
        let _ = stream.write_all(text.as_bytes());
        let _ = written.send(());
    };
    if let Err(error) = thread::Builder::new().name("first message".into()).spawn(write) {
        tracing::warn!(%error, "no thread for the first message");
    }
    let _ = done.await;
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A terminal that is stopped until something comes.
    struct Stopped(Receiver<()>);

    impl Write for Stopped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn others_go_on_while_a_message_is_written() {
        let (go_on, stopped) = channel();
        // On the one thread of this runtime: if the first held it up, the second would not run.
        let other = async { go_on.send(()).unwrap() };
        tokio::join!(write(Stopped(stopped), "hello\n".into()), other);
    }

    #[test]
    fn a_log_line_is_one_line_that_steers_nothing() {
        let shown = |line: &str, format, coloured| {
            String::from_utf8(printable_log_line(line.as_bytes(), format, coloured)).unwrap()
        };
        let line = "\u{1b}[33mWARN\u{1b}[0m a\nb\u{9b}\u{202e}\u{3164}\n";
        assert_eq!(
            shown(line, LogFormat::Text, true),
            "\u{1b}[33mWARN\u{1b}[0m a\\nb\\u{9b}\\u{202e}\\u{3164}\n"
        );
        assert!(shown(line, LogFormat::Text, false).starts_with("\\u{1b}[33mWARN"));
        assert_eq!(
            shown("{\"a\":\"\u{9b}\u{3164}\"}\n", LogFormat::Json, true),
            "{\"a\":\"\\u009b\\u3164\"}\n"
        );
    }
}

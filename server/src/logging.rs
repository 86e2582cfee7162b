//! Log lines on standard error, for operators and developers of a server.

use std::{
    borrow::Cow,
    env,
    ffi::OsStr,
    io::{self, Write},
};

use clap::ValueEnum;
use tracing_appender::non_blocking::NonBlocking;
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

use crate::messages::Messages;

/// The format of log lines.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: one object a line.
    Json,
}

/// Sends log lines to `messages` from now on. `RUST_LOG` selects them; by default they are warnings
/// and errors.
pub fn init_logging(messages: &Messages, format: LogFormat) {
    let filter = parse_filter(&env::var_os("RUST_LOG").unwrap_or_default(), messages);
    let coloured = colours_suit_stderr();
    let writer = messages.writer();
    let layer = fmt::layer()
        .with_writer(move || LogWriter { writer: writer.clone(), format, coloured })
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => registry.with(layer.with_ansi(coloured)).init(),
        LogFormat::Json => registry.with(layer.json()).init(),
    }
}

/// The filter that `value`, the value of `RUST_LOG`, describes: levels, and `target=level` pairs,
/// separated by commas. Warnings and errors if it is empty or invalid.
fn parse_filter(value: &OsStr, messages: &Messages) -> Targets {
    let warnings = Targets::new().with_default(LevelFilter::WARN);
    if value.is_empty() {
        return warnings;
    }
    value.to_string_lossy().parse().unwrap_or_else(|_| {
        let shown = quote(value.as_encoded_bytes());
        messages.say(format_args!(
            "invalid RUST_LOG {shown}: expected error, warn, info, debug or trace; only warnings are logged"
        ));
        warnings
    })
}

/// Escapes what is not printable in log lines. Each write is a whole line.
struct LogWriter {
    writer: NonBlocking,
    format: LogFormat,
    coloured: bool,
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writer.write_all(&printable_log_line(line, self.format, self.coloured))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// `line` with escapes for what is not printable in it, except its line feed and, if it is
/// `coloured`, the escape characters of colours: tracing-subscriber has escaped those in values.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_is_not_printable_in_log_lines() {
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

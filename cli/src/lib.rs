//! What the programs of Tribune have in common on the command line: how they take their
//! arguments, what their exit codes mean, how they report, the words in which they tell a game, and
//! how many files they may have open.

#![forbid(unsafe_code)]

mod descriptors;
mod event_formatter;
mod hang_up;
mod negative;
mod number;
mod printable;
mod time;

pub use self::{
    descriptors::{descriptor_limit, raise_descriptor_limit},
    event_formatter::EventFormatter,
    hang_up::hang_up_is_ignored,
    number::{parse_number, parse_number_within},
    printable::{printable, quote},
    time::parse_time,
};

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, error::ErrorKind};

use self::{negative::join_negative_values, time::explain_times};

/// It could not be done.
pub const FAILED: u8 = 1;
/// It was asked for in a way that cannot be understood.
pub const USAGE: u8 = 2;
/// Somebody interrupted it: 128 and the number of `SIGINT`, as shells count.
pub const INTERRUPTED: u8 = 130;

/// The arguments of this process. Of an option that is given twice, the last counts, so that more
/// can be added to a command that stands somewhere already.
///
/// # Errors
/// The exit code to leave with, after help or the version was printed or a usage error reported.
pub fn parse_args<A: Parser>() -> Result<A, ExitCode> {
    parse(env::args_os()).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody is left to tell when standard output is closed.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        // Nothing was asked for, so what can be is shown.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => usage_error(one_line(&error)),
    })
}

fn parse<A: Parser>(words: impl IntoIterator<Item = OsString>) -> Result<A, clap::Error> {
    let mut command = explain_times(A::command()).args_override_self(true);
    let matches = command.try_get_matches_from_mut(join_negative_values(words))?;
    A::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Whether `text` is `HOST:PORT`.
pub fn is_host_and_port(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// Reports wrong usage on standard error.
pub fn usage_error(message: impl fmt::Display) -> ExitCode {
    report(format_args!("{message} (see --help)"));
    ExitCode::from(USAGE)
}

/// Reports on standard error what could not be done.
pub fn failure(message: impl fmt::Display) -> ExitCode {
    report(message);
    ExitCode::from(FAILED)
}

fn report(message: impl fmt::Display) {
    say(format_args!("error: {message}"));
}

/// Tells the person in front of the program something, on standard error and in one line: what is
/// not [printable] in `message` is escaped, wherever it comes from.
pub fn say(message: impl fmt::Display) {
    // Nobody is left to tell when it is closed.
    let _ = writeln!(io::stderr(), "{}", printable(&message.to_string()));
}

/// Whether `error` says that the reader of a pipe has gone, which is no failure of its writer.
pub fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Whether colours are wanted on standard error: it is a terminal that knows them, and nobody has
/// said [otherwise](https://no-color.org).
pub fn colours_suit_stderr() -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal()
        && !unwanted
        && env::var_os("TERM").is_some_and(|term| term != "dumb")
}

/// What `error` says, without the synopsis, in one line.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let line = said.join("; ").trim_start_matches("error: ").replace(":;", ":");
    match line.split_once("; [possible values: ") {
        Some((wrong, right)) => format!("{wrong}: expected one of {}", right.replacen(']', "", 1)),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    struct Args {
        #[arg(long)]
        listen: u16,

        #[arg(long)]
        limit: Vec<u16>,

        #[arg(long, value_parser = ["text", "json"])]
        format: Option<String>,
    }

    fn parsed(args: &[&str]) -> Result<Args, clap::Error> {
        parse([&["program"], args].concat().into_iter().map(OsString::from))
    }

    fn complaint(args: &[&str]) -> String {
        one_line(&parsed(args).unwrap_err())
    }

    #[test]
    fn of_an_option_given_twice_the_last_counts_unless_it_is_a_list() {
        let args = parsed(&["--listen", "1", "--limit", "1", "--listen=2", "--limit", "2"]);
        let Args { listen, limit, .. } = args.unwrap();
        assert_eq!((listen, limit), (2, vec![1, 2]));
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for text in ["127.0.0.1:7777", "localhost:1", "[::1]:80", "server:65535"] {
            assert!(is_host_and_port(text), "{text}");
        }
        for text in ["", "localhost", ":7777", "localhost:", "localhost:x", "localhost:65536"] {
            assert!(!is_host_and_port(text), "{text}");
        }
    }

    #[test]
    fn a_usage_error_is_one_line_that_says_what_is_wrong() {
        assert_eq!(
            complaint(&["--listen", "x"]),
            "invalid value 'x' for '--listen <LISTEN>': invalid digit found in string"
        );
        assert_eq!(
            complaint(&[]),
            "the following required arguments were not provided: --listen <LISTEN>"
        );
        assert_eq!(
            complaint(&["--format", "xml"]),
            "invalid value 'xml' for '--format <FORMAT>': expected one of text, json"
        );
        assert_eq!(
            complaint(&["--listen", "-1s"]),
            "invalid value '-1s' for '--listen <LISTEN>': invalid digit found in string"
        );
        assert_eq!(
            complaint(&["--listne", "1"]),
            "unexpected argument '--listne' found; tip: a similar argument exists: '--listen'"
        );
    }
}

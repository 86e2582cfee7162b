use std::{env, ffi::OsString, process::ExitCode};

use clap::{Command, Parser, error::ErrorKind};

use crate::{USAGE, negative::join_negative_values, time::explain_times, usage_error};

/// Parses the arguments of this process. If an option is repeated, the last one wins, so that a
/// command can be changed by appending to it.
///
/// # Errors
/// The exit code to leave with, after printing the help, the version or a usage error.
pub fn parse_args<A: Parser>() -> Result<A, ExitCode> {
    parse_args_as(env::args_os(), |command| command)
}

/// The same for `words`, the first of which is the name of the program, by `command` as `adapt`
/// changes it.
///
/// # Errors
/// The same.
pub fn parse_args_as<A: Parser>(
    words: impl IntoIterator<Item = OsString>,
    adapt: impl FnOnce(Command) -> Command,
) -> Result<A, ExitCode> {
    parse(words, adapt).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed standard output is not an error of this program.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => usage_error(one_line(&error)),
    })
}

fn parse<A: Parser>(
    words: impl IntoIterator<Item = OsString>,
    adapt: impl FnOnce(Command) -> Command,
) -> Result<A, clap::Error> {
    let mut command = adapt(explain_times(A::command())).args_override_self(true);
    let matches = command.try_get_matches_from_mut(join_negative_values(words))?;
    A::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The message of `error` in one line, without the synopsis.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let parts: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let line = parts.join("; ").trim_start_matches("error: ").replace(":;", ":");
    match line.split_once("; [possible values: ") {
        Some((problem, values)) => {
            format!("{problem}: expected one of {}", values.replacen(']', "", 1))
        }
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
        parse([&["program"], args].concat().into_iter().map(OsString::from), |command| command)
    }

    fn error(args: &[&str]) -> String {
        one_line(&parsed(args).unwrap_err())
    }

    #[test]
    fn the_last_of_repeated_options_wins_except_in_lists() {
        let args = parsed(&["--listen", "1", "--limit", "1", "--listen=2", "--limit", "2"]);
        let Args { listen, limit, .. } = args.unwrap();
        assert_eq!((listen, limit), (2, vec![1, 2]));
    }

    #[test]
    fn usage_errors_are_one_line() {
        assert_eq!(
            error(&["--listen", "x"]),
            "invalid value 'x' for '--listen <LISTEN>': invalid digit found in string"
        );
        assert_eq!(
            error(&[]),
            "the following required arguments were not provided: --listen <LISTEN>"
        );
        assert_eq!(
            error(&["--format", "xml"]),
            "invalid value 'xml' for '--format <FORMAT>': expected one of text, json"
        );
        assert_eq!(
            error(&["--listen", "-1s"]),
            "invalid value '-1s' for '--listen <LISTEN>': invalid digit found in string"
        );
        assert_eq!(
            error(&["--listne", "1"]),
            "unexpected argument '--listne' found; tip: a similar argument exists: '--listen'"
        );
    }
}

use std::time::Duration;

use clap::{Arg, Command};

/// The line of a help text that explains the syntax of times.
const TIME_HELP: &str =
    "TIME is a number with a unit, as in 500ms, 1.5s or 2m, or a number of seconds, as in 1";

/// Adds the syntax of times to the help of `command`, and of each subcommand, that takes a time.
pub fn explain_times(command: Command) -> Command {
    let command = command.mut_subcommands(explain_times);
    let takes_a_time = |arg: &Arg| arg.get_value_names().is_some_and(|names| names == ["TIME"]);
    if !command.get_arguments().any(takes_a_time) {
        return command;
    }
    let help = match command.get_after_help() {
        Some(help) => format!("{help}\n\n{TIME_HELP}"),
        None => TIME_HELP.to_owned(),
    };
    command.after_help(help)
}

/// Parses a time from `min` to `max`: a number with a unit, as in `500ms`, several of these, as in
/// `1m 30s`, or a number of seconds.
///
/// # Errors
/// Says what was expected.
pub fn parse_time(text: &str, min: Duration, max: Duration) -> Result<Duration, String> {
    let time = read(text.trim()).filter(|time| (min..=max).contains(time));
    time.ok_or_else(|| {
        let [min, max] = [min, max].map(humantime::format_duration);
        format!("expected a time from {min} to {max}, as in 500ms or 1s")
    })
}

/// Formats microseconds as milliseconds, to the microsecond: `12.345 ms`.
pub fn format_milliseconds(us: u64) -> String {
    format!("{}.{:03} ms", us / 1000, us % 1000)
}

fn read(text: &str) -> Option<Duration> {
    // humantime has no fractions of a unit.
    let digits = text.find(|char: char| char != '.' && !char.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor = match unit.trim_start() {
        "" | "s" => Some(1.0),
        "ms" => Some(1e-3),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    match factor {
        Some(factor) => {
            let seconds = number.parse::<f64>().ok()? * factor;
            Duration::try_from_secs_f64(seconds).ok()
        }
        None => humantime::parse_duration(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Duration, String> {
        parse_time(text, Duration::from_millis(1), Duration::from_secs(120))
    }

    #[test]
    fn parses_units_and_plain_seconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("1s", 1000),
            ("1m 30s", 90_000),
            ("1min", 60_000),
            ("1", 1000),
            ("0.25", 250),
            ("1.5s", 1500),
            ("2.5ms", 2),
            ("1.5m", 90_000),
            (" 2 s ", 2000),
        ] {
            let time = parse(text).unwrap();
            assert_eq!(time.as_millis(), millis, "{text:?}");
        }
    }

    #[test]
    fn explains_times_once_in_each_command_that_takes_one() {
        let takes = |name: &'static str| {
            let arg = Arg::new("a").long("a").value_name("TIME");
            Command::new(name).arg(arg.clone()).arg(arg.id("b").long("b")).after_help("Examples")
        };
        let command = Command::new("none").subcommand(takes("one")).subcommand(Command::new("two"));
        let mut command = explain_times(command);
        let mut count = |name: &str| {
            let command = command.find_subcommand_mut(name).unwrap();
            command.render_help().to_string().matches("TIME is").count()
        };
        assert_eq!((count("one"), count("two")), (1, 0));
        assert!(!command.render_help().to_string().contains("TIME"));
    }

    #[test]
    fn rejects_times_out_of_range() {
        for text in
            ["", "soon", "0", "0s", "121s", "-1s", "-1", ".", "1.2.3", "inf", "nan", "1e2", "1 2"]
        {
            assert!(parse(text).unwrap_err().contains("from 1ms to 2m"), "{text:?}");
        }
    }
}

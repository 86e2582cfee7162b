use std::time::Duration;

use clap::{Arg, Command};

/// What a time on the command line looks like.
const TIME_HELP: &str =
    "TIME is a number with a unit, as in 500ms, 1.5s or 2m, or a number of seconds, as in 1";

/// `command` with the end of its help, and of the help of each of its subcommands, saying what a time
/// looks like if it takes one.
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

/// Reads a time that is neither shorter than `least` nor longer than `most`: a number with a unit, as
/// in `500ms`, several of these, as in `1m 30s`, or a number alone, which is seconds.
///
/// # Errors
/// Says what would be right.
pub fn parse_time(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let time = read(text.trim()).filter(|time| (least..=most).contains(time));
    time.ok_or_else(|| {
        let [least, most] = [least, most].map(humantime::format_duration);
        format!("expected a time from {least} to {most}, as in 500ms or 1s")
    })
}

fn read(text: &str) -> Option<Duration> {
    // A fraction of one unit, which humantime does not know.
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
    fn a_time_has_a_unit_and_a_number_alone_is_seconds() {
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
    fn every_command_that_takes_a_time_says_once_what_one_looks_like() {
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
    fn a_time_has_bounds() {
        for text in
            ["", "soon", "0", "0s", "121s", "-1s", "-1", ".", "1.2.3", "inf", "nan", "1e2", "1 2"]
        {
            assert!(parse(text).unwrap_err().contains("from 1ms to 2m"), "{text:?}");
        }
    }
}

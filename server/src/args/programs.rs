use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{ArgsError, script::read_script};
use crate::schedule::{
    CommandError, DEMONSTRATION, PredefCommand, Program, Scheduled, command_words,
};

/// Which programs a game starts, as typed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Programs to start")]
pub struct ProgramsArgs {
    /// Start this program once, as soon as the game begins; repeatable. Without --script,
    /// --scenario and --agent, nothing else is started
    #[arg(long = "bot", value_name = "COMMAND", value_parser = parse_bot)]
    bots: Vec<Program>,

    /// Predefs to start, and when: comma-separated SECONDS:PREDEF entries, at most 10,000
    /// [default: 0.5:1,1:2,6:3, the demonstration; 0:1,0:2,0:3,0:4 for snake; none with a referee]
    #[arg(long, value_name = "ENTRIES", conflicts_with = "scenario")]
    script: Option<String>,

    /// Start the programs of this TOML file instead
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Run this command for each entry of the script, three by default (four for snake), instead of the built-in
    /// program; {predef} is replaced by the number of the entry's predef
    #[arg(long, value_name = "COMMAND")]
    agent: Option<PredefCommand>,
}

impl ProgramsArgs {
    /// The command that is run for a predef, in a game with these `built_in` programs.
    pub fn predef_command(&self, built_in: PredefCommand) -> PredefCommand {
        self.agent.clone().unwrap_or(built_in)
    }

    /// The programs to start: those of the script or the scenario, and then the bots. If neither is given,
    /// those of the `demonstration`. Reads the scenario file.
    ///
    /// # Errors
    /// Names the entry that is invalid, or the reason why the file cannot be read.
    pub fn schedule(
        &self,
        demonstration: &str,
        predef_command: &PredefCommand,
    ) -> Result<Vec<Scheduled>, ArgsError> {
        let default = match (&self.agent, &self.bots[..]) {
            // The game of a referee has no demonstration.
            (Some(_), _) if demonstration.is_empty() => DEMONSTRATION,
            (Some(_), _) | (None, []) => demonstration,
            (None, _) => "",
        };
        let script = self.script.as_deref().unwrap_or(default);
        let mut schedule = read_script(script, self.scenario.as_deref(), predef_command)?;
        schedule.extend(
            self.bots
                .iter()
                .map(|bot| Scheduled { at: Duration::ZERO, program: Arc::new(bot.clone()) }),
        );
        Ok(schedule)
    }
}

/// The program that is run by a command, for `--bot`.
pub fn parse_bot(text: &str) -> Result<Program, CommandError> {
    command_words(text).map(Program::external)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::schedule::SNAKE_DEMONSTRATION;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        programs: ProgramsArgs,
    }

    /// The titles of the programs, and when each starts.
    fn starts(args: &[&str]) -> Vec<(f64, String)> {
        let line = Line::try_parse_from([&["server"], args].concat()).unwrap();
        let predef_command = line.programs.predef_command(PredefCommand::BuiltIn);
        let schedule = line.programs.schedule(DEMONSTRATION, &predef_command).unwrap();
        schedule
            .into_iter()
            .map(|entry| (entry.at.as_secs_f64(), entry.program.title.clone()))
            .collect()
    }

    #[test]
    fn each_bot_starts_once_instead_of_the_demonstration() {
        let bots = ["--bot", "python3 my.py", "--bot", "./left 'x y'", "--bot", "python3 my.py"];
        let want = ["my.py", "left", "my.py"].map(|title| (0.0, title.to_owned()));
        assert_eq!(starts(&bots), want);
        assert_eq!(starts(&[]).len(), 3);
    }

    #[test]
    fn bots_are_added_to_explicit_programs() {
        let title = |at, title: &str| (at, title.to_owned());
        assert_eq!(
            starts(&["--bot", "./left", "--script", "2:3"]),
            [title(2.0, "predef 3"), title(0.0, "left")]
        );
        assert_eq!(starts(&["--bot", "./left", "--script", ""]), [title(0.0, "left")]);
        assert_eq!(starts(&["--bot", "./left", "--agent", "./agent"]).len(), 4);
    }

    #[test]
    fn help_names_the_default_scripts() {
        let help = Line::try_parse_from(["server", "--help"]).unwrap_err().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains(&format!("[default: {DEMONSTRATION}, ")), "{help}");
        assert!(help.contains(&format!(" {SNAKE_DEMONSTRATION} for snake;")), "{help}");
    }

    #[test]
    fn rejects_bots_without_a_command() {
        for command in ["", "'x"] {
            Line::try_parse_from(["server", "--bot", command]).unwrap_err();
        }
    }
}

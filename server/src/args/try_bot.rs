//! The command line of `server try`.

use std::{sync::Arc, time::Duration};

use tribune_cli::{colours_suit_stdout, parse_number, parse_time};

use super::{
    GameArgs,
    programs::parse_bot,
    rules::RulesArgs,
    values::{parse_grace, parse_tick},
};
use crate::{
    schedule::{Program, Scheduled},
    try_bot::TrialConfig,
};

const HOUR: Duration = Duration::from_secs(3600);

/// How long a program has from the end of its input to `SIGTERM`, so that the report can tell which of
/// the two has ended it.
const INPUT_GRACE: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "Examples:
  server try 'python3 bot.py'                   five seconds of walk, with a built-in program
  server try ./bot --game snake --for 10s       ten seconds of snake
  server try ./bot --game 'python3 games/rps.py' --against ./bot
                                                a game that a program decides, against itself
  server try ./bot --json > report.json         for scripts: the report as JSON

Each line that the program prints is shown as it comes: move, refused (nearly a move, with the reason), \
output (any other line, with the reason) or stderr. The report says whether the output seems to be buffered, \
how soon the program moves, whether it reads its input, and how it ends: its input is closed, after 1 s it gets \
SIGTERM, and after --grace SIGKILL.

Exit codes: 0 it plays, 1 it does not play (it makes no move in time, fails, or cannot be started), 2 usage error, \
3 the referee failed, 130 ended at once by a second signal";

/// The arguments of `server try`, as typed.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true, after_help = EXAMPLES)]
pub struct TryArgs {
    /// The program, with its arguments as one text
    #[arg(value_name = "COMMAND", value_parser = parse_bot)]
    bot: Program,

    /// How long the program runs, unless it exits earlier
    #[arg(long = "for", value_name = "TIME", default_value = "5s", value_parser = parse_for)]
    duration_of_trial: Duration,

    /// Another program to start, repeatable [default: a built-in one for walk and snake, none with a referee]
    #[arg(long, value_name = "COMMAND", value_parser = parse_bot)]
    against: Vec<Program>,

    /// Start no other program
    #[arg(long, conflicts_with = "against")]
    alone: bool,

    /// Time between two ticks of the clock
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_tick)]
    tick: Duration,

    /// Seed of the game [default: random]
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>)]
    seed: Option<u64>,

    /// Time from SIGTERM to SIGKILL
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_grace)]
    grace: Duration,

    /// Print the report as one line of JSON, and nothing else
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    rules: RulesArgs,
}

impl TryArgs {
    /// What is to be tried.
    pub fn into_config(self) -> TrialConfig {
        let Self { bot, against, alone, tick, seed, grace, json, rules, .. } = self;
        let has_built_in = !rules.defaults().demonstration.is_empty();
        let mut settings = GameArgs::for_trial(rules, tick, seed);
        settings.program_limits.grace = grace;
        settings.program_limits.input_grace = INPUT_GRACE;
        let against: Vec<Arc<Program>> = match against {
            programs if !programs.is_empty() => programs.into_iter().map(Arc::new).collect(),
            _ if has_built_in && !alone => vec![settings.game.keyboard[0].clone()],
            _ => Vec::new(),
        };
        let programs = [Arc::new(bot)].into_iter().chain(against);
        settings.game.script =
            programs.map(|program| Scheduled { at: Duration::ZERO, program }).collect();
        let colours = colours_suit_stdout();
        TrialConfig { settings, duration: self.duration_of_trial, json, colours }
    }
}

fn parse_for(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(100), HOUR)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        trial: TryArgs,
    }

    fn titles(args: &[&str]) -> Vec<String> {
        let line = Line::try_parse_from([&["try", "python3 bot.py"], args].concat()).unwrap();
        let config = line.trial.into_config();
        assert!(config.settings.game.stay, "the end of one program is not that of the game");
        config.settings.game.script.iter().map(|entry| entry.program.title.clone()).collect()
    }

    #[test]
    fn the_program_comes_first_and_plays_against_a_built_in_one() {
        assert_eq!(titles(&[]), ["bot.py", "predef 1"]);
        assert_eq!(titles(&["--game", "snake"]), ["bot.py", "wanda, skill 1"]);
        assert_eq!(titles(&["--alone"]), ["bot.py"]);
        assert_eq!(titles(&["--against", "./a", "--against", "./b x"]), ["bot.py", "a", "b"]);
    }

    #[test]
    fn rejects_trials_without_a_program() {
        for args in [&["try"][..], &["try", ""], &["try", "./bot", "--for", "0s"]] {
            Line::try_parse_from(args).unwrap_err();
        }
    }
}

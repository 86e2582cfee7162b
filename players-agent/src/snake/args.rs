use std::{
    io::{self, BufRead, Read, Write},
    process::ExitCode,
};

use tribune_protocol::{MAX_SERVER_LINE, Name, ServerLine};

use super::{Bot, Skill};

/// The command line of a player of snake.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "It reads the lines of a game of snake on standard input, and prints moves. \
                        A server runs it as a bot:
  server --game snake --bot 'server players-agent snake --skill 3'"
)]
pub struct SnakeArgs {
    /// Skill: 1 wanders, 2 takes the shortest way to food, 3 also avoids dead ends and other heads
    #[arg(long, value_name = "N", default_value_t)]
    skill: Skill,

    /// Name of the player [default: wanda, gus or cara, depending on the skill]
    #[arg(long, value_name = "NAME")]
    name: Option<Name>,

    /// Print only moves that change the direction. Not for games in lockstep, in which each turn needs a
    /// move
    #[arg(long)]
    only_changes: bool,

    /// Seed for its choices [default: random]
    #[arg(long, value_name = "N", value_parser = tribune_cli::parse_number::<u64>)]
    seed: Option<u64>,
}

impl SnakeArgs {
    /// Plays until the game ends, and returns the exit code. It blocks.
    pub fn run(&self) -> ExitCode {
        let name = self.name.clone().unwrap_or_else(|| {
            self.skill.default_name().parse().expect("the default names are valid")
        });
        let seed = self.seed.unwrap_or_else(rand::random);
        let bot = Bot::new(name, self.skill, seed).with_only_changes(self.only_changes);
        match play(bot, &mut io::stdin().lock(), &mut io::stdout().lock()) {
            Err(error) if !tribune_cli::is_closed_pipe(&error) => tribune_cli::failure(error),
            _ => ExitCode::SUCCESS,
        }
    }
}

/// Plays by the lines of `input` until it ends.
fn play(mut bot: Bot, input: &mut impl BufRead, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more is the end of the line.
        input.by_ref().take(MAX_SERVER_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(());
        }
        let parsed = ServerLine::parse(line.trim_ascii_end()).map_err(io::Error::other)?;
        let step = bot.read(parsed);
        if !bot.has_turns() {
            return Err(io::Error::other("this is not a game of snake"));
        }
        if let Some(step) = step {
            writeln!(out, "{step}")?;
            out.flush()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(input: &str) -> io::Result<String> {
        let mut out = Vec::new();
        let bot = Bot::new("ann".parse().unwrap(), Skill::Careful, 7);
        play(bot, &mut input.as_bytes(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn state(turn: &str) -> String {
        format!(
            r#"{{"type":"state","seq":1,"ms":0,"clock":0,{turn}"board":{{"width":9,"height":5}},"players":[],"workers":[]}}"#
        ) + "\n"
    }

    #[test]
    fn joins_a_game_of_snake_by_a_move() {
        let out = played(&state(r#""turn":1,"#)).unwrap();
        assert!(out.ends_with(" ann\n") && out.lines().count() == 1, "{out:?}");
        assert_eq!(played("").unwrap(), "");
    }

    #[test]
    fn ends_with_a_reason_if_it_cannot_play() {
        assert_eq!(played(&state("")).unwrap_err().to_string(), "this is not a game of snake");
        assert!(played("hello\n").unwrap_err().to_string().contains("cannot be read"));
    }
}

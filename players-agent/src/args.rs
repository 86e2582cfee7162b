use std::{
    io::{self, Write},
    process::ExitCode,
};

use tokio::time::{Instant, sleep_until};

use crate::{PlannedMove, Predef, plan, snake::SnakeArgs};

/// The command line of the built-in players.
#[derive(Clone, Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  players-agent 3                           print the moves of augustin and randalphe
  players-agent 1 --seed 7                  print the same moves each time
  players-agent snake --skill 3             play snake: reads the stream on standard input
  players-agent 1 | nc -N 127.0.0.1 7777    join both to a running game; Ctrl-C ends nc"
)]
pub struct Args {
    /// The predef, 1 to 4: two players each
    #[arg(default_value_t)]
    predef: Predef,

    /// Seed for moves and pauses; the same seed gives the same game [default: random]
    #[arg(long, value_name = "N", value_parser = tribune_cli::parse_number::<u64>)]
    seed: Option<u64>,

    /// Print the four predefs, each with its two players, and exit
    #[arg(long)]
    list: bool,

    #[command(subcommand)]
    game: Option<Game>,
}

/// Bots for other games than walk.
#[derive(Clone, Debug, clap::Subcommand)]
enum Game {
    /// Play snake: reads the lines of a game on standard input, and prints moves
    Snake(SnakeArgs),
}

impl Args {
    /// Runs the command until it is done, and returns its exit code. It blocks.
    pub fn run(&self) -> ExitCode {
        if let Some(Game::Snake(args)) = &self.game {
            return args.run();
        }
        let mut out = io::stdout().lock();
        let result = if self.list {
            list(&mut out)
        } else {
            let seed = self.seed.unwrap_or_else(rand::random);
            play(&plan(self.predef, seed), &mut out)
        };
        match result {
            Err(error) if !tribune_cli::is_closed_pipe(&error) => {
                tribune_cli::failure(format_args!("cannot print the moves: {error}"))
            }
            _ => ExitCode::SUCCESS,
        }
    }
}

fn list(out: &mut impl Write) -> io::Result<()> {
    for predef in Predef::ALL {
        let [first, second] = predef.players();
        writeln!(out, "{predef}: {first}, {second}")?;
    }
    out.flush()
}

/// Prints each move when it is due.
fn play(moves: &[PlannedMove], out: &mut impl Write) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let start = Instant::now();
        for PlannedMove { due, step } in moves {
            sleep_until(start + *due).await;
            writeln!(out, "{step}")?;
            out.flush()?;
        }
        Ok(())
    })
}

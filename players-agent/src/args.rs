use std::{
    io::{self, Write},
    process::ExitCode,
};

use tokio::time::{Instant, sleep_until};

use crate::{PlannedMove, Predef, plan};

/// What the built-in players are asked for on a command line.
#[derive(Clone, Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "Examples:
  players-agent 3                           the moves of augustin and randalphe
  players-agent 1 --seed 7                  the same moves each time
  players-agent 1 | nc -N 127.0.0.1 7777    join them to a running game; Ctrl-C ends nc"
)]
pub struct Args {
    /// Which two players, 1 to 4
    #[arg(default_value_t)]
    predef: Predef,

    /// Draw the same moves and pauses each time
    #[arg(long, value_name = "N", value_parser = tribune_cli::parse_number::<u64>)]
    seed: Option<u64>,

    /// Print the four predefs, each with its two players, and exit
    #[arg(long)]
    list: bool,
}

impl Args {
    /// Does what was asked for and says how that went. It blocks until then.
    pub fn run(&self) -> ExitCode {
        let mut out = io::stdout().lock();
        let done = if self.list {
            list(&mut out)
        } else {
            let seed = self.seed.unwrap_or_else(rand::random);
            play(&plan(self.predef, seed), &mut out)
        };
        match done {
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

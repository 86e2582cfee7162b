//! Prints the moves of the two players of a predef at random intervals.

use std::process::ExitCode;

use clap::Parser;
use players_agent::Args;

/// Print the moves of the two players of a predef at random intervals, one line each, as in `N john`
#[derive(Parser)]
#[command(name = "players-agent", version)]
struct Program {
    #[command(flatten)]
    args: Args,
}

fn main() -> ExitCode {
    match tribune_cli::parse_args::<Program>() {
        Ok(program) => program.args.run(),
        Err(code) => code,
    }
}

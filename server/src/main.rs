//! The `server` command: runs a game, the echo service, or a player program.

use std::process::ExitCode;

use tribune_cli::parse_args;
use tribune_server::run_command;

fn main() -> ExitCode {
    match parse_args() {
        Ok(args) => run_command(args),
        Err(code) => code,
    }
}

//! The terminal client of Tribune.

use std::process::ExitCode;

use tribune_cli::parse_args;
use tribune_client::Args;

fn main() -> ExitCode {
    match parse_args::<Args>() {
        Ok(args) => args.run(),
        Err(code) => code,
    }
}

//! The `tribune` command: the subcommands of `server` and `client` in one program.

mod dispatch;
mod help;

use std::{env, ffi::OsString, process::ExitCode};

use tribune_cli::parse_args_as;
use tribune_client::Args as ClientArgs;
use tribune_server::run_command;

use self::dispatch::{DEMONSTRATION, Target};

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().collect();
    match Target::of(&words) {
        Target::Demonstration => server(DEMONSTRATION.map(OsString::from)),
        Target::Server => server(words.into_iter().skip(1)),
        Target::ServerHelp => server(["server", "--help"].map(OsString::from)),
        Target::ServerProcess => server(words),
        Target::Client => {
            parse_args_as(words, help::client).map_or_else(|code| code, ClientArgs::run)
        }
    }
}

fn server(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    parse_args_as(words, help::server).map_or_else(|code| code, run_command)
}

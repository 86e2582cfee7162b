//! The command line of the server, as it is typed, and how it becomes settings.

mod echo;
mod game;

pub use self::{echo::EchoArgs, game::GameArgs};

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use thiserror::Error;
use tribune_cli::parse_address;
use tribune_protocol::DEFAULT_ADDRESS;

/// Runs a game: starts player programs, takes in moves over TCP too, and tells everyone what happens
///
/// The game is told on standard output, line by line. Everybody who connects gets it as one JSON
/// object a line, and plays by sending lines such as `N ann`.
#[derive(Debug, Parser)]
#[command(name = "server", version, args_conflicts_with_subcommands = true, allow_negative_numbers = true, after_help = EXAMPLES)]
pub struct Args {
    /// What to be instead of a server.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Otherwise, how to be one.
    #[command(flatten)]
    pub game: GameArgs,
}

const EXAMPLES: &str = "Examples:
  server                                            the demonstration
  server --agent 'python3 bot.py {predef}'          your own program plays
  server --script '' --stay                         a game for whoever connects
  server --scenario league.toml --repeat            programs from a file, again and again
  server --listen 0.0.0.0:7777 --listen [::]:7777   for other machines too

A scenario has at most 10,000 tables [[worker]], each with at (in seconds) and predef or command, and \
optionally name, env, dir, restart, restart_pause and max_restarts.

Exit codes: 0 the game ended, 1 it could not be run, 2 wrong usage, 130 ended at once by a second Ctrl-C";

/// What else the program can be.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the moves of two predefined players: what the server runs unless told otherwise
    PlayersAgent(players_agent::Args),
    /// Send back whatever is sent, a while later
    Echo(EchoArgs),
    /// Kill the sessions named on standard input when it ends
    #[command(hide = true)]
    Guard,
}

/// Why it cannot be run as asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArgsError {
    /// It was asked for in a way that cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// Something that it needs is not there.
    #[error("{0}")]
    Missing(String),
}

/// The address that `address`, which may name a host, stands for.
fn resolve(address: &str) -> Result<SocketAddr, ArgsError> {
    parse_address(address, DEFAULT_ADDRESS).map_err(|error| {
        ArgsError::Usage(format!("invalid address {address:?} for --listen: {error}"))
    })?;
    tribune_cli::resolve(address).map_err(|error| {
        ArgsError::Missing(format!("cannot resolve the address {address:?}: {error}"))
    })
}

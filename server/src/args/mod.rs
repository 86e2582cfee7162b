//! The command line of the server, as typed, and how it becomes settings.

mod echo;
mod game;
mod game_defaults;
mod programs;
mod rules;
mod script;
mod try_bot;
mod values;
mod web;

pub use self::{echo::EchoArgs, game::GameArgs, try_bot::TryArgs};

use std::net::SocketAddr;

use clap::{Parser, Subcommand};
use thiserror::Error;
use tribune_cli::parse_address;
use tribune_protocol::DEFAULT_ADDRESS;

/// Runs a game: starts player programs, takes moves over TCP, and sends every event to all clients
///
/// Events are printed on standard output, one per line. Every client receives them as one JSON object
/// per line, and plays by sending lines such as `N ann`.
#[derive(Debug, Parser)]
#[command(name = "server", version, args_conflicts_with_subcommands = true, allow_negative_numbers = true, after_help = EXAMPLES)]
pub struct Args {
    /// What to run instead of a game.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The arguments of a game.
    #[command(flatten)]
    pub game: GameArgs,
}

const EXAMPLES: &str = "Examples:
  server                                            the demonstration
  server --bot 'python3 bot.py'                     your own program plays, alone
  server --agent 'python3 bot.py {predef}'          it plays in place of each predef of the demonstration
  server --game 'python3 games/rps.py' --lockstep   a game that this program decides: docs/games.md
  server try 'python3 bot.py'                       check that your program plays, and if not, why
  server --script '' --stay                         a game for clients only
  server --scenario league.toml --repeat            programs from a file, again and again
  server --listen 0.0.0.0:7777 --listen [::]:7777   accept clients from other machines
  server --web 0.0.0.0:7778                         and browsers

A scenario has at most 10,000 tables [[worker]], each with at (in seconds) and predef or command, and \
optionally name, env, dir, restart, restart_pause and max_restarts.

If an option other than --bot, --listen and --web-host is repeated, the last one wins.

Exit codes: 0 the game ended, 1 failed, or no program could be started, 2 usage error, 3 the referee failed, 130 ended at once by a second signal";

/// What the `server` command can run instead of a game.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a built-in program: one that prints moves of two players, or a bot for snake
    PlayersAgent(players_agent::Args),
    /// Run one program in a game for a few seconds, and report how it plays
    Try(Box<TryArgs>),
    /// Run the echo service, which sends back what it receives
    Echo(EchoArgs),
    /// Kill the sessions named on standard input when it ends
    #[command(hide = true)]
    Guard,
}

/// Why the arguments cannot become settings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArgsError {
    /// An argument is invalid.
    #[error("{0}")]
    Usage(String),
    /// A file or an address that an argument names is not available.
    #[error("{0}")]
    Unavailable(String),
}

/// The socket addresses of `addresses`, which are values of `--listen`.
fn resolve_all(addresses: &[String]) -> Result<Vec<SocketAddr>, ArgsError> {
    addresses.iter().map(|address| resolve(address, "--listen")).collect()
}

/// The socket address of `address`, which is the value of `option`.
fn resolve(address: &str, option: &str) -> Result<SocketAddr, ArgsError> {
    parse_address(address, DEFAULT_ADDRESS).map_err(|error| {
        ArgsError::Usage(format!("invalid address {address:?} for {option}: {error}"))
    })?;
    tribune_cli::resolve(address)
        .map_err(|error| ArgsError::Unavailable(format!("cannot resolve {address:?}: {error}")))
}

//! The game server of Tribune: forks player programs, aggregates moves, and broadcasts them.
//!
//! ```text
//! terminal   network   workers          in: bytes become inputs
//!        \      |      /
//!        game_loop: game                one task owns the game
//!               |
//!              log                      each event encoded once
//!               |
//!           broadcast                   out: log bytes become writes
//! ```
//!
//! The [echo service](run_echo) is apart from all that, and shares only the ground it stands on.
//!
//! The modules are in layers, and each uses only what is below its own: `tests/layers.rs` has
//! their order, and holds it up.

// Pure: no input or output, no clock of their own.
mod game;
mod limits;
pub mod log;
mod rules;
mod schedule;

// Input and output.
mod descriptors;
mod echo;
mod edge;
pub mod feed;
mod game_loop;
mod messages;
mod operator;
mod proc_stat;
mod programs;
mod tasks;

// What brings them together, and what is asked for.
mod args;
mod host;
mod settings;

pub use self::{
    args::{Args, ArgsError, Command, EchoArgs, GameArgs},
    echo::{EchoSettings, run_echo},
    host::run,
    messages::{LogFormat, Messages},
    proc_stat::ProcStat,
    programs::run_guard,
    settings::{Outcome, Settings},
};

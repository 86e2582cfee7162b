//! The game server of Tribune: forks player programs, aggregates moves, and broadcasts them.
//!
//! ```text
//! operator    edge   programs           in: bytes become inputs
//!        \      |      /
//!        game_loop: game                one task owns the game
//!               |
//!              log                      each event encoded once
//!               |
//!             feed                      out: log bytes become writes
//! ```
//!
//! [`run`] runs a server on listeners that the caller binds, until it ends or is
//! [shut down](shutdown). [`run_command`] does that for a person at a terminal. The echo
//! service is separate from the game.
//!
//! The modules are in layers, and each uses only modules of layers below its own:
//! `tests/layers.rs` lists and checks them.

// Pure: no input or output, no clock.
mod game;
mod limits;
pub mod log;
mod outcome;
pub mod rules;
mod schedule;

// Input and output.
mod descriptors;
mod echo;
mod edge;
pub mod feed;
mod game_loop;
mod logging;
mod messages;
mod observer;
mod proc_stat;
mod programs;
mod referee_input;
mod shutdown;
mod tasks;
mod web;

// A whole server, and the command that runs it.
mod args;
mod operator;
mod run_command;
mod server;
mod settings;
mod try_bot;

pub use self::{
    args::Args,
    echo::EchoSettings,
    edge::bind_all,
    logging::{LogFormat, init_logging},
    messages::Messages,
    outcome::Outcome,
    proc_stat::ProcStat,
    run_command::run_command,
    server::{Listeners, Server, run},
    settings::Settings,
    shutdown::{Shutdown, ShutdownHandle, shutdown},
};

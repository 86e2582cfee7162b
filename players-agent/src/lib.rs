//! The built-in players: four predefined pairs that print moves at random intervals.
//!
//! [`Predef`] says who the players are, [`plan`] draws what they will do and when, and [`Args`]
//! runs it. The program `players-agent` is these arguments and nothing more; `server` carries the
//! same as its subcommand `players-agent`, so that it needs no second program to start a game.

#![forbid(unsafe_code)]

mod args;
mod plan;
mod predef;

pub use args::Args;
pub use plan::{PlannedMove, plan};
pub use predef::{Player, Predef, UnknownPredef};

//! The built-in players: four predefined pairs that print moves at random intervals.
//!
//! [`Predef`] describes the players, [`plan`] draws all their moves from a seed, and [`Args`] prints
//! them when they are due. The program `players-agent` consists of these arguments alone. `server`
//! has the same as its subcommand `players-agent`, so that a game needs no second program.

#![forbid(unsafe_code)]

mod args;
mod plan;
mod predef;
pub mod snake;

pub use args::Args;
pub use plan::{PlannedMove, plan};
pub use predef::{Player, Predef, UnknownPredef};

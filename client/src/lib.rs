//! The terminal client of Tribune.
//!
//! [`Args`] says what can be asked of it. Pure parts decide, and know no socket and no terminal:
//! `follower` what to do with each line across connections, `backoff` how long to wait between
//! them, `keys` what was typed. Around them, `stream` connects, `view` prints, `terminal` hands
//! over single keys, `moves` makes moves of them, and `game` and `ping` bring them together.

#![forbid(unsafe_code)]

mod args;
mod backoff;
mod echo;
mod follower;
mod game;
mod herd;
mod keys;
mod moves;
mod ping;
mod signals;
mod stream;
mod terminal;
mod view;

pub use args::Args;

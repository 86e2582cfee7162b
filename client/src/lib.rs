//! The terminal client of Tribune.
//!
//! [`Args`] says what can be asked of it. Pure parts decide, and know no socket and no terminal:
//! `greeting` whether this is a server at all, `follower` what to do with each line across
//! connections, `backoff` how long to wait between them, `keys` and `piped` what was typed or came
//! through a pipe, `pacer` and `outbox` when it is sent, `flood` what is not said again and again.
//! Around them, `stream` connects, `view` prints, `terminal` hands over single keys, `moves` makes
//! moves of them, and `game` and `ping` bring them together.

#![forbid(unsafe_code)]

mod args;
mod backoff;
mod echo;
mod flood;
mod follower;
mod game;
mod keys;
mod moves;
mod outbox;
mod pacer;
mod ping;
mod piped;
mod stream;
mod terminal;
mod update;
mod view;

pub use args::Args;

//! The terminal client of Tribune.
//!
//! [`Args`] is its command line. Pure modules decide, without sockets or terminals: `stream_tracker`
//! what to do with each line across connections, `position` whether events are complete and consistent,
//! `backoff` how long to wait between them, `keys` and `move_lines` what was typed or piped in, `pacer`
//! and `outbox` when a move is sent, `repeat_filter` which messages are summarized. Around them,
//! `stream` connects, `display` prints, `cbreak_mode` sets the mode of the terminal, `move_sources`
//! reads moves, and `game_client`, `echo` and `ping` put them together.

#![forbid(unsafe_code)]

mod args;
mod backoff;
mod cbreak_mode;
mod display;
mod echo;
mod game_client;
mod keys;
mod move_lines;
mod move_sources;
mod outbox;
mod pacer;
mod ping;
mod position;
mod repeat_filter;
mod stream;
mod stream_tracker;
mod track_error;
mod update;

pub use args::Args;

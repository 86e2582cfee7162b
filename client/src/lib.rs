//! The terminal client of Tribune.
//!
//! [`Args`] is its command line. Pure modules decide, without sockets or terminals: `stream_tracker`
//! what to do with each line across connections, `position` whether events are complete and consistent,
//! `backoff` how long to wait between them, `keys`, `key_map` and `line_editor` what was typed,
//! `action_lines` and `move_lines` what the lines mean, `pacer` and `outbox` when an action is sent,
//! `repeat_filter` which messages are summarized. Around them, `stream` connects, `display` and `prompt`
//! print, `cbreak_mode` sets the mode of the terminal, `key_input`, `line_input` and `random_walk` are the
//! sources of actions, and `game_client`, `echo` and `ping` put them together.

#![forbid(unsafe_code)]

mod action_lines;
mod args;
mod backoff;
mod cbreak_mode;
mod display;
mod echo;
mod game_client;
mod key_input;
mod key_map;
mod keys;
mod line_editor;
mod line_error;
mod line_input;
mod move_lines;
mod outbox;
mod pacer;
mod ping;
mod position;
mod prompt;
mod random_walk;
mod repeat_filter;
mod stream;
mod stream_tracker;
mod track_error;
mod update;

pub use args::Args;

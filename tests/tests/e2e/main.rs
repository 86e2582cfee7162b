//! Tests of the real programs as a whole.

#![allow(clippy::unwrap_used, reason = "a missing value fails the test")]

mod actions;
mod bots;
mod client;
mod client_memory;
mod console;
mod defaults;
mod descriptors;
mod echo;
mod ending;
mod floods;
mod games;
mod games_doc;
mod guard;
mod herd;
mod identity;
mod keyboard;
mod limits;
mod many_programs;
mod messages;
mod misbehaving_programs;
mod other_servers;
mod piped_moves;
mod process_trees;
mod program_environment;
mod programs;
mod protocol_doc;
mod readme;
mod referee_faults;
mod reliability_doc;
mod scenario;
mod seed;
mod snake;
mod snake_players;
mod termination;
mod tribune_command;
mod try_bot;
mod unprintable;
mod usage;
mod web;

/// The stream from a server with one shard, which has all subscribers.
#[path = "stream"]
mod one_shard {
    pub const SHARDS: &str = "1";

    #[path = "mod.rs"]
    mod stream;
}

/// The same tests with several shards, over which the subscribers are distributed.
#[path = "stream"]
mod four_shards {
    pub const SHARDS: &str = "4";

    #[path = "mod.rs"]
    #[expect(clippy::duplicate_mod, reason = "the same tests run with another number of shards")]
    mod stream;
}

use std::path::PathBuf;

/// The command line that runs `misbehave` with `args`, for `--agent`.
fn misbehave(args: &str) -> String {
    format!("'{}' {args}", misbehave_path().display())
}

fn misbehave_path() -> PathBuf {
    env!("CARGO_BIN_EXE_misbehave").into()
}

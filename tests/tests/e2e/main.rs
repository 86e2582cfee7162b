//! Tests of the real programs as a whole.

#![allow(clippy::unwrap_used, reason = "a missing value fails the test")]

mod client;
mod client_memory;
mod console;
mod defaults;
mod descriptors;
mod echo;
mod ending;
mod floods;
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
mod reliability_doc;
mod scenario;
mod seed;
mod stream;
mod termination;
mod tribune_command;
mod unprintable;
mod usage;

use std::path::PathBuf;

/// The command line that runs `misbehave` with `args`, for `--agent`.
fn misbehave(args: &str) -> String {
    format!("'{}' {args}", misbehave_path().display())
}

fn misbehave_path() -> PathBuf {
    env!("CARGO_BIN_EXE_misbehave").into()
}

//! The whole, by way of the real programs.

#![allow(clippy::unwrap_used, reason = "what is not there fails the test")]

mod agents;
mod bad_programs;
mod client;
mod coming_back;
mod console;
mod defaults;
mod descriptors;
mod echo;
mod ending;
mod floods;
mod guard;
mod herd;
mod identity;
mod joining;
mod keyboard;
mod limits;
mod many_programs;
mod messages;
mod orphans;
mod piped_moves;
mod program_environment;
mod protocol_doc;
mod readme;
mod reliability_doc;
mod run_aways;
mod scenario;
mod seed;
mod slow_readers;
mod strangers;
mod tribune_command;
mod unprintable;
mod usage;

use std::path::PathBuf;

/// The command line that runs the badly behaved program with `args`, for `--agent`.
fn misbehave(args: &str) -> String {
    format!("'{}' {args}", misbehave_path().display())
}

fn misbehave_path() -> PathBuf {
    env!("CARGO_BIN_EXE_misbehave").into()
}

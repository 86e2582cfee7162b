//! The stream that clients and programs receive, from a server with `super::SHARDS` shards.

mod end;
mod joining;
mod program_input;
mod reconnecting;
mod resuming;
mod slow_clients;

use serde_json::Value;
use tribune_tests::{Server, Spectator, assert_contiguous};

use super::SHARDS;
use crate::misbehave;

/// Starts the server with `args` and the number of shards under test.
fn start_server(args: &[&str]) -> Server {
    Server::start(&[args, &["--shards", SHARDS]].concat())
}

/// A server that is busy until it is terminated, at a rate that every client can follow: a tick, and
/// a move in response to it, a hundred times a second.
fn busy_server() -> Server {
    start_server(&["--script", "0:1", "--agent", &misbehave("move-per-tick"), "--tick", "10ms"])
}

/// Checks that `lines` are all events after the state of `spectator`, to the end of the game.
fn assert_complete(spectator: &Spectator, lines: &[Value]) {
    assert_contiguous(spectator.start(), lines);
    assert_eq!(
        lines.last().unwrap()["type"],
        "bye",
        "the last line is not the end of the game: {:?} of {}",
        lines.last(),
        lines.len()
    );
}

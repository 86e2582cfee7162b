//! The end of the stream.

use tribune_tests::{Process, Spectator};

use super::start_server;
use crate::misbehave;

#[test]
fn every_client_gets_bye_even_if_it_is_behind_or_has_just_joined() {
    let agent = misbehave("flood 30000");
    let args = ["--script", "0:1", "--agent", &agent, "--output-rate", "0", "--log-bytes", "4096"];
    let server = start_server(&args);
    let watcher = Process::start(&mut server.client(&["watch"]));
    let mut frozen = server.join();
    let mut others = Vec::new();
    // As many clients as can join before the game is over.
    while let Some(spectator) = Spectator::try_join(server.address()) {
        others.push(spectator);
    }
    assert_eq!(frozen.rest().last().unwrap()["type"], "bye");
    for mut spectator in others {
        assert_eq!(spectator.rest().last().unwrap()["type"], "bye");
    }
    let watched = watcher.finish();
    assert_eq!(watched.code(), Some(0), "{:?}", watched.err);
    assert_eq!(watched.out.last().unwrap(), "no process left - bye");
    assert_eq!(server.finish().code(), Some(0));
}

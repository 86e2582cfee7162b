//! A client that joins at any moment receives every later event exactly once.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use tribune_tests::{Spectator, seq};

use super::{assert_complete, busy_server};

#[test]
fn clients_that_join_at_any_moment_get_every_event_once_and_in_order() {
    let server = busy_server();
    let mut watchers = Vec::new();
    let mut first = server.join();
    let mut last = first.start();
    // Each joins some events after the one before.
    for _ in 0..50 {
        first.wait_for(|line| seq(line) > Some(last + 20));
        let mut spectator = server.join();
        last = spectator.start();
        watchers.push(thread::spawn(move || {
            let lines = spectator.rest();
            assert_complete(&spectator, &lines);
            (spectator.start(), lines.len() as u64)
        }));
    }
    server.signal(Signal::TERM);
    first.rest();
    let joined: Vec<(u64, u64)> =
        watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect();
    assert!(
        joined.is_sorted_by(|(one, _), (next, _)| one + 20 < *next),
        "they did not join apart: {joined:?}"
    );
    assert!(joined.iter().all(|(start, lines)| start + lines == joined[0].0 + joined[0].1));
    assert_eq!(server.finish().code(), Some(0));
}

#[test]
fn two_hundred_clients_that_join_at_once_get_the_same_events() {
    let server = busy_server();
    let address = server.address();
    let barrier = Arc::new(Barrier::new(201));
    let watch = |barrier: Arc<Barrier>| {
        move || {
            barrier.wait();
            let mut spectator = Spectator::join(address);
            barrier.wait();
            let lines = spectator.rest();
            assert_complete(&spectator, &lines);
            lines.into_iter().next_back().unwrap()
        }
    };
    let watchers: Vec<_> = (0..200).map(|_| thread::spawn(watch(barrier.clone()))).collect();
    // The first wait lets all join at once, the second returns when all have joined.
    barrier.wait();
    barrier.wait();
    server.join().wait_for(|line| line["type"] == "clock");
    server.signal(Signal::TERM);
    let ends: Vec<Value> = watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "clients received different last events");
    assert_eq!(server.finish().code(), Some(0));
}

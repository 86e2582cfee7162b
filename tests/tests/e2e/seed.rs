//! Games with the same seed are the same.

use std::collections::BTreeMap;

use tribune_tests::Server;

/// The entry position and the moves of each player, by origin and name.
fn played(seed: &str) -> BTreeMap<(String, String), Vec<String>> {
    let (events, _) = Server::whole_game(&["--script", "0:4,0:1,0.2:1", "--seed", seed]);
    let mut played: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["type"] == "joined" || event["type"] == "move")
    {
        let player = (event["from"].to_string(), event["name"].to_string());
        played
            .entry(player)
            .or_default()
            .push(format!("{} {} {}", event["direction"], event["x"], event["y"]));
    }
    played
}

#[test]
fn same_seed_repeats_a_game_and_another_does_not() {
    let (one, again, other) = (played("7"), played("7"), played("8"));
    assert_eq!(one.len(), 6);
    assert_eq!(one, again);
    assert_ne!(one, other);
    // Two programs with the same predef differ within a game.
    let john = |origin: &str| one[&(format!("\"{origin}\""), "\"john\"".into())].clone();
    assert_ne!(john("ps#2"), john("ps#3"));
}

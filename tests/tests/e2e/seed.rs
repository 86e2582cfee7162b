//! A seed makes a game that can be had again.

use std::collections::BTreeMap;

use tribune_tests::Server;

/// What each player did, by origin and name: where it entered, and its moves.
fn played(seed: &str) -> BTreeMap<(String, String), Vec<String>> {
    let (events, _) = Server::whole_game(&["--script", "0:4,0:1,0.2:1", "--seed", seed]);
    let mut played: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["type"] == "joined" || event["type"] == "move")
    {
        let who = (event["from"].to_string(), event["name"].to_string());
        played
            .entry(who)
            .or_default()
            .push(format!("{} {} {}", event["direction"], event["x"], event["y"]));
    }
    played
}

#[test]
fn the_same_seed_gives_the_same_game_and_another_one_another() {
    let (one, again, other) = (played("7"), played("7"), played("8"));
    assert_eq!(one.len(), 6);
    assert_eq!(one, again);
    assert_ne!(one, other);
    // Programs of the same configuration within a game differ.
    let john = |origin: &str| one[&(format!("\"{origin}\""), "\"john\"".into())].clone();
    assert_ne!(john("ps#2"), john("ps#3"));
}

//! Where the moves of a player come from.

use std::time::Duration;

use rand::{RngExt, seq::IndexedRandom};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
    time::sleep,
};
use tribune_cli::say;
use tribune_protocol::{Direction, Move, Name};

use crate::keys::{Key, Keys};

/// Sends a move for each key of `input` that is one, and says at the end whether somebody wished to
/// quit.
pub async fn send_keys(
    mut input: impl AsyncRead + Unpin,
    mut keys: Keys,
    name: Name,
    moves: mpsc::Sender<Move>,
) -> bool {
    let mut typed = [0; 256];
    loop {
        // The end of the input, even by an error, is not the end of the game.
        let Ok(length @ 1..) = input.read(&mut typed).await else {
            return false;
        };
        for key in keys.read(&typed[..length]) {
            match key {
                Key::Move(direction) => {
                    let step = Move { direction, name: name.clone() };
                    if moves.send(step).await.is_err() {
                        return false;
                    }
                }
                Key::Quit => return true,
                Key::Other(other) => say(format_args!("{other:?} is no move: n, s, e and w are")),
            }
        }
    }
}

/// Sends moves in random directions, each after a random pause of at most `longest_pause`, until
/// nobody takes them any more.
pub async fn walk_at_random(longest_pause: Duration, name: Name, moves: mpsc::Sender<Move>) {
    loop {
        let (pause, direction) = {
            let mut random = rand::rng();
            let direction = Direction::ALL.choose(&mut random).expect("there are four");
            (random.random_range(Duration::ZERO..=longest_pause), *direction)
        };
        sleep(pause).await;
        if moves.send(Move { direction, name: name.clone() }).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_random_walk_goes_everywhere_and_pauses_half_the_longest_pause_on_average() {
        let (sender, mut moves) = mpsc::channel(1);
        let name: Name = "robot".parse().unwrap();
        let walk = tokio::spawn(walk_at_random(Duration::from_secs(1), name, sender));
        let start = Instant::now();
        let mut counts = [0; 4];
        for _ in 0..4000 {
            let direction = moves.recv().await.unwrap().direction;
            let way = Direction::ALL.iter().position(|&each| each == direction).unwrap();
            counts[way] += 1;
        }
        // A thousand each, give or take 27, and 2,000 s, give or take 18, by one standard deviation.
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
        assert!((1850..2150).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        drop(moves);
        walk.await.unwrap();
    }
}

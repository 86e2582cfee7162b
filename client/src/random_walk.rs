use std::time::Duration;

use rand::{RngExt, seq::IndexedRandom};
use tokio::{sync::mpsc, time::sleep};
use tribune_protocol::{Direction, Move, Name};

use crate::outbox::QueuedAction;

/// Sends moves in random directions, each after a random pause of at most `max_pause`, until the
/// receiver is dropped.
pub async fn walk_at_random(max_pause: Duration, name: Name, actions: mpsc::Sender<QueuedAction>) {
    loop {
        let (pause, direction) = {
            let mut random = rand::rng();
            let direction = Direction::ALL.choose(&mut random).expect("there are four");
            (random.random_range(Duration::ZERO..=max_pause), *direction)
        };
        sleep(pause).await;
        let step = Move { direction, name: name.clone() };
        if actions.send(QueuedAction::without_expiry(step.into())).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_random_walk_is_uniform_in_direction_and_pause() {
        let (sender, mut moves) = mpsc::channel(1);
        let name: Name = "robot".parse().unwrap();
        let walk = tokio::spawn(walk_at_random(Duration::from_secs(1), name, sender));
        let start = Instant::now();
        let mut counts = [0; 4];
        for _ in 0..4000 {
            let direction = moves.recv().await.unwrap().action().action.direction().unwrap();
            let way = Direction::ALL.iter().position(|&each| each == direction).unwrap();
            counts[way] += 1;
        }
        // Expected: 1,000 of each direction with a standard deviation of 27, and 2,000 s with one of 18.
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
        assert!((1850..2150).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        drop(moves);
        walk.await.unwrap();
    }
}

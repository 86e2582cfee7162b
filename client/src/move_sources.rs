//! The sources of moves: keys, lines of standard input, or chance.

use std::time::Duration;

use futures_util::StreamExt;
use rand::{RngExt, seq::IndexedRandom};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::codec::FramedRead;
use tribune_cli::print_message;
use tribune_protocol::{Direction, Line, LineDecoder, Move, Name, text::quote};

use crate::{
    keys::{Key, Keys},
    move_lines::parse_moves,
    outbox::QueuedMove,
    repeat_filter::RepeatFilter,
};

/// The longest line of standard input, in bytes.
const MAX_LINE: usize = 64 << 10;

/// Sends a move for each direction key of `input`. Returns whether a key to quit was pressed.
pub async fn send_keys(
    mut input: impl AsyncRead + Unpin,
    name: Name,
    moves: mpsc::Sender<QueuedMove>,
) -> bool {
    let mut keys = Keys::default();
    let mut others = RepeatFilter::default();
    let mut typed = [0; 256];
    loop {
        // The end of the input, even by an error, does not end the game.
        let Ok(length @ 1..) = input.read(&mut typed).await else {
            return false;
        };
        for key in keys.decode(&typed[..length]) {
            match key {
                Key::Move(direction) => {
                    let step = Move { direction, name: name.clone() };
                    if moves.send(QueuedMove::key_press(step)).await.is_err() {
                        return false;
                    }
                }
                Key::Quit => return true,
                Key::Other(other) => {
                    let message = format!("unknown key {other:?}: n, s, e and w move");
                    let kind = message.clone();
                    others
                        .filter(&kind, message, Instant::now())
                        .into_iter()
                        .for_each(print_message);
                }
            }
        }
    }
}

/// Sends the moves of the lines of `input`, which is not a terminal, until its end.
pub async fn send_lines(
    input: impl AsyncRead + Unpin,
    name: Name,
    moves: mpsc::Sender<QueuedMove>,
) {
    let mut lines = FramedRead::new(input, LineDecoder::new(MAX_LINE));
    let mut refused = RepeatFilter::default();
    // An error ends the input too.
    while let Some(Ok(line)) = lines.next().await {
        let steps = match line {
            Line::Whole(line) | Line::Unfinished(line) => {
                parse_moves(&line, &name).map_err(|error| error.to_string())
            }
            Line::Cut(line) => Err(format!(
                "invalid line that starts with {}: it is longer than {MAX_LINE} bytes",
                quote(&line[..20])
            )),
        };
        match steps {
            Ok(steps) => {
                for step in steps {
                    if moves.send(QueuedMove::without_expiry(step)).await.is_err() {
                        return;
                    }
                }
            }
            Err(message) => {
                refused.filter("line", message, Instant::now()).into_iter().for_each(print_message);
            }
        }
    }
    refused.take_summary(Instant::now()).into_iter().for_each(print_message);
}

/// Sends moves in random directions, each after a random pause of at most `max_pause`, until the
/// receiver is dropped.
pub async fn walk_at_random(max_pause: Duration, name: Name, moves: mpsc::Sender<QueuedMove>) {
    loop {
        let (pause, direction) = {
            let mut random = rand::rng();
            let direction = Direction::ALL.choose(&mut random).expect("there are four");
            (random.random_range(Duration::ZERO..=max_pause), *direction)
        };
        sleep(pause).await;
        if moves
            .send(QueuedMove::without_expiry(Move { direction, name: name.clone() }))
            .await
            .is_err()
        {
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
            let direction = moves.recv().await.unwrap().step().direction;
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

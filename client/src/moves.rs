//! Where the moves of a player come from.

use std::time::Duration;

use futures_util::StreamExt;
use rand::{RngExt, seq::IndexedRandom};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_util::codec::FramedRead;
use tribune_cli::say;
use tribune_protocol::{Direction, Line, LineDecoder, Move, Name, text::quote};

use crate::{
    flood::Flood,
    keys::{Key, Keys},
    outbox::Turn,
    piped::moves_of,
};

/// The longest line of standard input, in bytes.
const LONGEST_LINE: usize = 64 << 10;

/// Sends a move for each key of `input` that is one, and says at the end whether somebody wished to
/// quit.
pub async fn send_keys(
    mut input: impl AsyncRead + Unpin,
    name: Name,
    moves: mpsc::Sender<Turn>,
) -> bool {
    let mut keys = Keys::default();
    let mut others = Flood::default();
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
                    if moves.send(Turn::typed(step)).await.is_err() {
                        return false;
                    }
                }
                Key::Quit => return true,
                Key::Other(other) => {
                    let message = format!("{other:?} is no move: n, s, e and w are");
                    let kind = message.clone();
                    others.take(&kind, message, Instant::now()).into_iter().for_each(say);
                }
            }
        }
    }
}

/// Sends the moves of the lines of `input`, which is no terminal, until its end.
pub async fn send_lines(input: impl AsyncRead + Unpin, name: Name, moves: mpsc::Sender<Turn>) {
    let mut lines = FramedRead::new(input, LineDecoder::new(LONGEST_LINE));
    let mut refused = Flood::default();
    // An error ends the input as its end does.
    while let Some(Ok(line)) = lines.next().await {
        let steps = match line {
            Line::Whole(line) | Line::Unfinished(line) => {
                moves_of(&line, &name).map_err(|error| error.to_string())
            }
            Line::Cut(line) => Err(format!(
                "the line that begins with {} moves nobody: it is longer than {LONGEST_LINE} bytes",
                quote(&line[..20])
            )),
        };
        match steps {
            Ok(steps) => {
                for step in steps {
                    if moves.send(Turn::patient(step)).await.is_err() {
                        return;
                    }
                }
            }
            Err(message) => {
                refused.take("line", message, Instant::now()).into_iter().for_each(say);
            }
        }
    }
    refused.settle(Instant::now()).into_iter().for_each(say);
}

/// Sends moves in random directions, each after a random pause of at most `longest_pause`, until
/// nobody takes them any more.
pub async fn walk_at_random(longest_pause: Duration, name: Name, moves: mpsc::Sender<Turn>) {
    loop {
        let (pause, direction) = {
            let mut random = rand::rng();
            let direction = Direction::ALL.choose(&mut random).expect("there are four");
            (random.random_range(Duration::ZERO..=longest_pause), *direction)
        };
        sleep(pause).await;
        if moves.send(Turn::patient(Move { direction, name: name.clone() })).await.is_err() {
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
            let direction = moves.recv().await.unwrap().step().direction;
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

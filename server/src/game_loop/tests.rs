use std::{io, sync::Arc};

use tokio::sync::Mutex;
use tribune_protocol::{GameId, OutputStream, Seq, ServerLine, WorkerId};

use super::*;
use crate::{
    feed::{Append, BroadcastConfig, Delivery, Journal, Subscription, WelcomeTemplate},
    game::{GameConfig, OutputLine},
    log::Batch,
};

/// Large enough that nothing falls out of it.
const LOG_BYTES: usize = 64 << 20;

fn game() -> Game {
    Game::new(GameConfig { stay: true, ..GameConfig::walk(Vec::new()) })
}

/// The most that a program prints at once: each byte takes six in its event.
fn flood() -> Input {
    let line = "\u{1}".repeat(1024);
    let lines = vec![OutputLine::Other { line, cut: false, refused: None }; 64];
    Input::Printed { program: WorkerId(1), stream: OutputStream::Stdout, lines }
}

/// A broadcast without subscribers.
fn broadcast(feed: &FeedWriter) -> Broadcast {
    let (game, rules) = (GameId("g".into()), "walk".into());
    let welcome = WelcomeTemplate { game, rules, tick_ms: 1000, move_rate: 0 };
    let config = BroadcastConfig {
        flush_interval: Duration::ZERO,
        stall_timeout: Duration::MAX,
        drain_stall_timeout: Duration::MAX,
        max_snapshot_bytes: 1 << 20,
    };
    Broadcast::new(feed, &welcome, config, 1).0
}

/// Runs a game with `inputs`, of which the last stops it, and `feed` to its end.
async fn run(feed: FeedWriter, inputs: Vec<Input>) -> Result<Outcome, JournalError> {
    let (sender, mailbox) = mpsc::channel(inputs.len());
    for input in inputs {
        sender.try_send(input).unwrap();
    }
    let (messages, _guard) = Messages::to(std::io::sink());
    #[expect(clippy::disallowed_methods, reason = "nothing is sent through it")]
    let (launches, _none) = mpsc::unbounded_channel();
    let closing = CancellationToken::new();
    let broadcast = broadcast(&feed);
    let observer = Observer::default();
    let referee = None;
    let game = game();
    GameLoop { game, mailbox, feed, broadcast, launches, closing, messages, referee, observer }
        .run()
        .await
}

/// The numbers of all events of the feed, which has ended.
async fn numbers(mut subscription: Subscription) -> Vec<Seq> {
    let mut numbers = Vec::new();
    while let Some(delivery) = subscription.next(usize::MAX).await {
        let Delivery::Lines(lines) = delivery else { panic!("{delivery:?}") };
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let ServerLine::Event(event) = ServerLine::parse(line).unwrap() else { panic!() };
            numbers.push(event.seq);
        }
    }
    numbers
}

fn stop() -> Input {
    Input::Stop { reason: "done".into() }
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_published_in_pieces_without_loss() {
    let feed = FeedWriter::new(game().state(), LOG_BYTES).unwrap();
    let subscription = feed.subscribe();
    let mut inputs = vec![flood(); INPUTS_PER_TURN - 1];
    inputs.push(stop());
    run(feed, inputs).await.unwrap();
    // The tick at the beginning, and `bye`.
    let expected: Vec<Seq> = (1..=63 * 64 + 2).map(Seq).collect();
    assert_eq!(numbers(subscription).await, expected);
}

/// A journal that stores batches until it has so many, and then fails.
struct Failing {
    stored: Arc<Mutex<Vec<Seq>>>,
    capacity: usize,
    batches: usize,
}

impl Journal for Failing {
    fn append<'a>(&'a mut self, first: Seq, batch: &'a Batch) -> Append<'a> {
        Box::pin(async move {
            if self.batches == self.capacity {
                return Err(io::Error::other("the disk is full"));
            }
            self.batches += 1;
            let events = (first.0..).zip(batch.lines()).map(|(seq, _)| Seq(seq));
            self.stored.lock().await.extend(events);
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_game_whose_journal_fails_ends_with_what_is_stored() {
    let stored = Arc::default();
    let journal = Failing { stored: Arc::clone(&stored), capacity: 3, batches: 0 };
    let feed = FeedWriter::new(game().state(), LOG_BYTES).unwrap().with_journal(journal);
    let subscription = feed.subscribe();
    let mut inputs = vec![flood(); INPUTS_PER_TURN - 1];
    inputs.push(stop());
    let error = run(feed, inputs).await.unwrap_err();
    let stored = stored.lock().await;
    assert!(stored.len() > 2 && stored.len() < 63 * 64, "{} events are stored", stored.len());
    assert_eq!(error.first, stored.last().unwrap().next());
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(numbers(subscription).await, *stored, "subscribers get what is stored, and no more");
}

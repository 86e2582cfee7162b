//! How often memory is asked for when nothing but events happens: never, but for the log's segments.

use std::{
    cell::Cell,
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use allocation_counter::measure;
use tokio::time::Instant;
use tribune_protocol::{BoardSize, ConnectionId, GameId, Move, Origin, Seq};

use super::{
    super::subscriber::{FlushContext, Subscriber},
    subscriber::snapshot,
};
use crate::{
    feed::{
        Greeting, Publisher, Snapshot,
        outgoing::{Closing, Outgoing},
    },
    game::{Game, GameConfig, Input},
    log::{Log, View},
    schedule::PredefCommand,
};

/// A sink into which everything goes.
#[derive(Default)]
struct Bottomless(Cell<usize>);

impl Outgoing for &Bottomless {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn try_flush(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn is_closable(&self) -> bool {
        true
    }

    fn finish(self) -> Option<Closing> {
        None
    }

    fn abort(self, _: &[u8]) -> Option<Closing> {
        None
    }
}

const ME: ConnectionId = ConnectionId(1);

/// A game with a hundred spectators.
struct Scene<'a> {
    game: Game,
    publisher: Publisher,
    view: View,
    snapshot: Arc<Snapshot>,
    readers: Vec<Subscriber<&'a Bottomless>>,
    greeting: Greeting,
}

impl<'a> Scene<'a> {
    fn new(sink: &'a Bottomless) -> Self {
        let publisher = Publisher::new(Log::new(16 << 20));
        let (view, _) = publisher.subscribe();
        let config = GameConfig {
            board: BoardSize { width: 32, height: 16 },
            tick: Duration::from_secs(1),
            seed: 7,
            script: Vec::new(),
            repeat: false,
            stay: true,
            predef_command: PredefCommand::BuiltIn,
        };
        Self {
            game: Game::new(config),
            publisher,
            view,
            snapshot: snapshot(Seq(0)).into(),
            readers: (0..100).map(|_| Subscriber::new(sink, Seq(0))).collect(),
            greeting: Greeting { game: GameId("g".into()), tick_ms: 1000, move_rate: 50 },
        }
    }

    /// Lets `input` happen at the second `at`, and tells everybody.
    fn happen(&mut self, input: Option<Input>, at: u64) {
        let now = Duration::from_secs(at);
        self.game.advance(now);
        if let Some(input) = input {
            self.game.apply(input, now);
        }
        let events = &mut self.game.outbox().events;
        self.publisher.publish(events);
        events.clear();
        self.view.refresh();
        let Self { view, snapshot, greeting, .. } = self;
        let sight = FlushContext { view, snapshot, greeting, now: Instant::now() };
        for reader in &mut self.readers {
            reader.visit(Origin::Connection(ME), sight).unwrap();
        }
    }
}

fn step(text: &str) -> Input {
    Input::Moves { from: Origin::Connection(ME), moves: vec![Move::parse(text).unwrap()] }
}

#[test]
fn nothing_is_allocated_for_an_event_or_a_delivery() {
    let sink = Bottomless::default();
    let mut scene = Scene::new(&sink);
    for at in 0..10 {
        scene.happen(Some(step("N ann")), at);
    }
    // All within the log's first segment, which is there.
    let mut inputs: Vec<Option<Input>> = (0..1000).map(|_| Some(step("S ann"))).collect();
    let before = sink.0.get();
    let found = measure(|| {
        for (at, input) in (10..).zip(&mut inputs) {
            scene.happen(input.take(), at);
        }
    });
    assert!(sink.0.get() - before > 100 * 2000 * 50, "each has got each move and each tick");
    assert_eq!(found.count_total, 0, "{found:?}");
}

#[test]
fn a_name_of_usual_length_is_read_without_allocating() {
    let found = measure(|| {
        for _ in 0..1000 {
            assert!(Move::parse("N a-name-of-usual-size").is_ok());
        }
    });
    assert_eq!(found.count_total, 0, "{found:?}");
}

//! How often memory is allocated while there are only events: never, but for the segments of the log.

use std::{
    cell::Cell,
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use allocation_counter::measure;
use futures_util::FutureExt;
use tokio::{
    net::{tcp::OwnedWriteHalf, unix::pipe},
    sync::OwnedSemaphorePermit,
    time::Instant,
};
use tribune_protocol::{ConnectionId, Move, Origin, Seq};

use super::{state, welcome};
use crate::{
    feed::{
        FeedWriter, Transport, WelcomeTemplate,
        outgoing::{Closing, Outgoing},
        snapshot::Snapshot,
        subscriber::{FlushContext, Subscriber},
    },
    game::{Game, GameConfig, Input},
    log::View,
};

/// A transport that takes everything.
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
    writer: FeedWriter,
    view: View,
    snapshot: Arc<Snapshot>,
    subscribers: Vec<Subscriber<&'a Bottomless>>,
    welcome: WelcomeTemplate,
}

impl<'a> Scene<'a> {
    fn new(transport: &'a Bottomless) -> Self {
        let config = GameConfig { stay: true, ..GameConfig::walk(Vec::new()) };
        let writer = FeedWriter::new(state(Seq(0)), 16 << 20).unwrap();
        Self {
            game: Game::new(config),
            view: writer.read_end().0,
            writer,
            snapshot: Snapshot::new(state(Seq(0))).into(),
            subscribers: (0..100).map(|_| Subscriber::new(transport, Seq(0))).collect(),
            welcome: welcome(),
        }
    }

    /// Applies `input` at the second `at`, and flushes all subscribers.
    fn apply(&mut self, input: Option<Input>, at: u64) {
        let now = Duration::from_secs(at);
        self.game.advance(now);
        if let Some(input) = input {
            self.game.apply(input, now);
        }
        let events = &mut self.game.outbox().events;
        let published = self.writer.publish(events).now_or_never();
        published.expect("without a journal it does not wait").unwrap();
        events.clear();
        self.view.refresh();
        let Self { view, snapshot, welcome, .. } = self;
        let now = Instant::now();
        let context = FlushContext { view, has_ended: false, snapshot, welcome, now };
        for subscriber in &mut self.subscribers {
            subscriber.flush(Origin::tcp(ME), context).unwrap();
        }
    }
}

fn step(text: &str) -> Input {
    Input::Actions { from: Origin::tcp(ME), actions: vec![Move::parse(text).unwrap().into()] }
}

#[test]
fn nothing_is_allocated_for_an_event_or_a_flush() {
    let transport = Bottomless::default();
    let mut scene = Scene::new(&transport);
    for at in 0..10 {
        scene.apply(Some(step("N ann")), at);
    }
    // All within the log's first segment, which is there.
    let mut inputs: Vec<Option<Input>> = (0..1000).map(|_| Some(step("S ann"))).collect();
    let before = transport.0.get();
    let found = measure(|| {
        for (at, input) in (10..).zip(&mut inputs) {
            scene.apply(input.take(), at);
        }
    });
    assert!(transport.0.get() - before > 100 * 2000 * 50, "each has got each move and each tick");
    assert_eq!(found.count_total, 0, "{found:?}");
}

#[test]
fn polled_transports_do_not_make_direct_ones_larger() {
    #[expect(dead_code, reason = "only its size matters")]
    enum Direct {
        Tcp { output: OwnedWriteHalf, permit: OwnedSemaphorePermit },
        Pipe(pipe::Sender),
    }
    assert_eq!(size_of::<Transport>(), size_of::<Direct>());
    assert!(size_of::<Subscriber<Transport>>() <= 128);
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

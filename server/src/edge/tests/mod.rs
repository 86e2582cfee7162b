//! The whole way in over pipes of 8 bytes, so that no line arrives in one read: without a socket and
//! without a game. The tests check the inputs that a game would get.

mod admission;
mod client;
mod session;

use std::{net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::{
    io::{DuplexStream, ReadHalf, duplex, split},
    sync::{OwnedSemaphorePermit, mpsc},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{
    BoardSize, Event, EventKind, GameId, Origin, OriginKind, Seq, ServerLine, State,
};

use self::client::Client;
use super::{
    AddressBudgets, ClientLimit, ConnectionLimits, Joiner, LingerPermits, Listener, SessionContext,
    byte_stream::ByteStream, stages::Connected,
};
use crate::{
    feed::{Broadcast, BroadcastConfig, FeedWriter, Transport, WelcomeTemplate},
    game::Input,
    limits::PlayerPermits,
    log::Batch,
    tasks::Tasks,
};

/// So small that no line arrives in one read.
const NARROW: usize = 8;

impl ByteStream for DuplexStream {
    const KIND: OriginKind = OriginKind::new("pipe").expect("four letters");

    type Input = ReadHalf<DuplexStream>;

    fn split(self, permit: OwnedSemaphorePermit) -> (Self::Input, Transport) {
        let (input, output) = split(self);
        (input, Transport::stream(output, permit))
    }
}

/// The way in, and a feed of a game that does nothing.
struct Edge {
    listener: Listener,
    /// The numbers of events to publish.
    events: mpsc::Sender<u64>,
    inputs: mpsc::Receiver<Input>,
}

impl Edge {
    /// Admits at most `max_clients`, which `shards` tasks write to.
    fn new(max_clients: usize, shards: usize) -> Self {
        let game = GameId("g".into());
        let feed = FeedWriter::new(state(0), 1 << 20).unwrap();
        let welcome = WelcomeTemplate {
            game: game.clone(),
            rules: "walk".into(),
            tick_ms: 1000,
            move_rate: 0,
        };
        let config = BroadcastConfig {
            flush_interval: Duration::ZERO,
            stall_timeout: Duration::from_secs(30),
            drain_stall_timeout: Duration::from_secs(5),
            max_snapshot_bytes: 1 << 20,
        };
        let (broadcast, shards) = Broadcast::new(&feed, &welcome, config, shards);
        for shard in shards {
            tokio::spawn(shard.run(CancellationToken::new()));
        }
        let (events, to_publish) = mpsc::channel(16);
        tokio::spawn(feed_clocks(feed, to_publish));
        let (mailbox, inputs) = mpsc::channel(256);
        let lingering = LingerPermits::default();
        let context = SessionContext {
            game,
            actions: Arc::default(),
            mailbox,
            limits: ConnectionLimits { move_rate: None, max_players: 16 },
            players: PlayerPermits::new(100),
            addresses: AddressBudgets::new(NonZeroU32::new(100 << 20)),
            wrong_port: "wrong port".into(),
            lingering: lingering.clone(),
        };
        let clients = ClientLimit::new(max_clients, broadcast.clone());
        let joiner = Joiner::new(context, broadcast, Tasks::default());
        let listener = Listener::new(clients, joiner, lingering, Tasks::default());
        Self { listener, events, inputs }
    }

    /// Connects a client through a narrow pipe. It has not read anything yet.
    async fn connect(&self) -> Client {
        let (near, far) = duplex(NARROW);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        self.listener.admit_all([Connected::new(far, peer).identify()]).await;
        Client::new(near)
    }

    /// Publishes the event `seq`.
    async fn publish(&self, seq: u64) {
        self.events.send(seq).await.unwrap();
    }

    /// The next `count` moves of `from`, which are the next inputs.
    async fn next_moves(&mut self, from: Origin, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            match self.inputs.recv().await {
                Some(Input::Actions { from: origin, actions: moves }) if origin == from => {
                    texts.extend(moves.iter().map(ToString::to_string));
                }
                other => panic!("{other:?}"),
            }
        }
        texts
    }

    /// The reason for which `from` disconnected, which is the next input.
    async fn next_disconnect(&mut self, from: Origin) -> String {
        match self.inputs.recv().await {
            Some(Input::Disconnected { from: origin, reason }) if origin == from => reason,
            other => panic!("{other:?}"),
        }
    }
}

/// The source of the feed: publishes ticks of the clock with the numbers in `events`.
async fn feed_clocks(mut feed: FeedWriter, mut events: mpsc::Receiver<u64>) {
    let mut last = 0;
    loop {
        tokio::select! {
            () = feed.snapshot_requested() => feed.publish_snapshot(state(last)),
            seq = events.recv() => {
                let Some(seq) = seq else { return };
                let mut batch = Batch::default();
                batch.push(&Event { seq: Seq(seq), ms: 0, kind: EventKind::Clock { clock: seq } });
                feed.publish(&batch).await.unwrap();
                last = seq;
            }
        }
    }
}

/// The state after the event `seq`, in which there is nothing.
fn state(seq: u64) -> State {
    let board = BoardSize { width: 4, height: 4 };
    State::new(Seq(seq), board)
}

fn pipe(number: u64) -> Origin {
    format!("pipe#{number}").parse().unwrap()
}

fn is_event(line: &ServerLine) -> bool {
    matches!(line, ServerLine::Event(_))
}

//! Shards with several clients, over sockets and pipes and under any sequence of steps, against what
//! each client must have got in the end.

use futures_util::FutureExt;
use proptest::prelude::*;
use tokio::{
    io::{AsyncRead, AsyncReadExt, duplex},
    runtime::Builder,
    task::{JoinSet, yield_now},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ConnectionId, Origin, Seq};

use super::{
    DEADLINE, SHARD_COUNTS, config, events, permit,
    polled_stream::{Chunked, unchunk},
    pong,
    shard::connection,
    state,
    stream_check::check,
    welcome,
};
use crate::{
    feed::{Broadcast, FeedWriter, SubscriberHandle, Transport},
    log::MIN_LOG_BYTES,
};

/// So little that a client that reads nothing for a while falls out of it.
const LOG_BYTES: usize = 4 * MIN_LOG_BYTES;

/// What carries the stream to a client.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// A TCP connection.
    Tcp,
    /// A pipe of eight bytes.
    Stream,
    /// The same, with frames.
    Framed,
}

#[derive(Clone, Debug)]
enum Step {
    Join(Kind),
    Publish(u64),
    /// A client takes so many bytes, if they are there.
    Take(usize, usize),
    Reply(usize),
    Resume(usize, u64),
    /// The shards get their turn.
    Rest(u8),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Tcp), Just(Kind::Stream), Just(Kind::Framed)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => kind().prop_map(Step::Join),
        4 => (0_u64..60).prop_map(Step::Publish),
        1 => (200_u64..600).prop_map(Step::Publish),
        4 => (0_usize..8, 0_usize..20_000).prop_map(|(client, bytes)| Step::Take(client, bytes)),
        1 => (0_usize..8).prop_map(Step::Reply),
        1 => (0_usize..8, 0_u64..1000).prop_map(|(client, after)| Step::Resume(client, after)),
        6 => (1_u8..20).prop_map(Step::Rest),
    ]
}

struct Client {
    kind: Kind,
    input: Box<dyn AsyncRead + Unpin>,
    handle: SubscriberHandle,
    taken: Vec<u8>,
}

struct Scene {
    /// `None` when the feed has ended.
    writer: Option<FeedWriter>,
    broadcast: Broadcast,
    last: Seq,
    clients: Vec<Client>,
    others: JoinSet<()>,
}

impl Scene {
    fn new(shards: usize, first: Seq) -> Self {
        let before = Seq(first.0 - 1);
        let writer = FeedWriter::new(state(before), LOG_BYTES).unwrap();
        let (broadcast, shards) = Broadcast::new(&writer, &welcome(), config(), shards);
        let mut others = JoinSet::new();
        for shard in shards {
            others.spawn(shard.run(CancellationToken::new()));
        }
        Self { writer: Some(writer), broadcast, last: before, clients: Vec::new(), others }
    }

    fn writer(&mut self) -> &mut FeedWriter {
        self.writer.as_mut().expect("the feed has not ended")
    }

    async fn join(&mut self, kind: Kind) {
        let (near, far) = duplex(8);
        let (transport, input): (_, Box<dyn AsyncRead + Unpin>) = match kind {
            Kind::Tcp => {
                let (client, server) = connection().await;
                (Transport::tcp(server.into_split().1, permit()), Box::new(client))
            }
            Kind::Stream => (Transport::stream(near, permit()), Box::new(far)),
            Kind::Framed => (Transport::framed(near, Chunked, permit()), Box::new(far)),
        };
        let you = Origin::tcp(ConnectionId(self.clients.len() as u64 + 1));
        let handle = self.broadcast.join(you, transport).await;
        self.clients.push(Client { kind, input, handle, taken: Vec::new() });
    }

    async fn publish(&mut self, count: u64) {
        let last = self.last;
        self.writer().publish(&events(last, count)).await.unwrap();
        self.last = Seq(last.0 + count);
    }

    /// What a source does: it publishes the state when it is requested.
    fn publish_snapshot(&mut self) {
        let last = self.last;
        if self.writer().snapshot_requested().now_or_never().is_some() {
            self.writer().publish_snapshot(state(last));
        }
    }

    fn client(&mut self, number: usize) -> Option<&mut Client> {
        let count = self.clients.len();
        self.clients.get_mut(number % count.max(1))
    }

    async fn take_step(&mut self, step: Step) {
        match step {
            Step::Join(kind) => self.join(kind).await,
            Step::Publish(count) => self.publish(count).await,
            Step::Take(number, bytes) => {
                let Some(client) = self.client(number) else { return };
                let mut scratch = vec![0; bytes];
                if let Some(Ok(length)) = client.input.read(&mut scratch).now_or_never() {
                    client.taken.extend_from_slice(&scratch[..length]);
                }
            }
            Step::Reply(number) => {
                let Some(client) = self.client(number) else { return };
                let handle = client.handle.clone();
                // It waits until it is written.
                self.others.spawn(async move { handle.reply(pong(1)).await });
            }
            Step::Resume(number, after) => {
                if let Some(client) = self.client(number) {
                    client.handle.resume(Seq(after)).await;
                }
            }
            Step::Rest(turns) => {
                for _ in 0..turns {
                    yield_now().await;
                    self.publish_snapshot();
                }
            }
        }
    }

    /// Ends the feed, and lets every client read to its end.
    async fn end(mut self) {
        self.publish(1).await;
        let last = self.last;
        self.writer.take().expect("it ends once").close(state(last));
        for client in &self.clients {
            // So that no shard waits for a client that may resume.
            client.handle.half_close().await;
        }
        for Client { kind, mut input, handle, mut taken } in self.clients {
            let read = timeout(DEADLINE, input.read_to_end(&mut taken)).await;
            read.expect("its stream ends").unwrap();
            drop(handle);
            if let Kind::Framed = kind {
                let (stream, is_complete) = unchunk(&taken);
                assert!(is_complete, "the last chunk says that nothing follows");
                taken = stream;
            }
            assert_eq!(check(&taken).last, last, "it has got everything to the end");
        }
        drop(self.broadcast);
        while let Some(done) = timeout(DEADLINE, self.others.join_next()).await.unwrap() {
            done.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_client_gets_the_whole_stream(
        shards in prop::sample::select(SHARD_COUNTS.to_vec()),
        first in prop_oneof![Just(1_u64), Just(500)],
        kind in kind(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut scene = Scene::new(shards, Seq(first));
            scene.join(kind).await;
            for step in steps {
                scene.take_step(step).await;
            }
            scene.end().await;
        });
    }
}

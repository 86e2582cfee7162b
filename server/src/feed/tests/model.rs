//! A shard with several clients, real sockets and whatever may happen, against what each client must
//! have got in the end.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    runtime::Builder,
    sync::Semaphore,
    task::{JoinSet, yield_now},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ConnectionId, ControlMessage, GameId, Origin, Seq, encode};

use super::{
    super::{Broadcast, Greeting, Publisher, SnapshotCell, Subscription, Transport},
    shard::{connection, pace, publish},
    subscriber::{check, snapshot},
};
use crate::log::{Log, MIN_LOG_BYTES};

/// So little that whoever reads nothing for a while falls out of it.
const LOG: usize = 4 * MIN_LOG_BYTES;

/// Nothing takes so long.
const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
enum Step {
    Join,
    Publish(u64),
    /// A client takes so many bytes, if they are there.
    Take(usize, usize),
    Answer(usize),
    Resume(usize, u64),
    /// The shard gets its turn.
    Rest(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Join),
        4 => (0_u64..60).prop_map(Step::Publish),
        1 => (200_u64..600).prop_map(Step::Publish),
        4 => (0_usize..8, 0_usize..20_000).prop_map(|(client, bytes)| Step::Take(client, bytes)),
        1 => (0_usize..8).prop_map(Step::Answer),
        1 => (0_usize..8, 0_u64..1000).prop_map(|(client, after)| Step::Resume(client, after)),
        6 => (1_u8..20).prop_map(Step::Rest),
    ]
}

struct Client {
    socket: TcpStream,
    subscription: Subscription,
    taken: Vec<u8>,
}

struct Scene {
    publisher: Publisher,
    broadcast: Broadcast,
    last: Seq,
    clients: Vec<Client>,
    places: Arc<Semaphore>,
    others: JoinSet<()>,
}

impl Scene {
    fn set() -> Self {
        let publisher = Publisher::new(Log::new(LOG));
        let desk = SnapshotCell::new(snapshot(Seq(0)));
        let greeting = Greeting { game: GameId("g".into()), tick_ms: 1000, move_rate: 50 };
        let (broadcast, shards) =
            Broadcast::new(&publisher, &desk, &greeting, pace(Duration::ZERO), 1);
        let mut others = JoinSet::new();
        for shard in shards {
            others.spawn(shard.run(CancellationToken::new()));
        }
        // What the game does: it lays down the state when somebody asks for it.
        let (_, head) = publisher.subscribe();
        tokio::spawn(async move {
            loop {
                desk.requested().await;
                let head = *head.borrow();
                desk.publish(snapshot(head));
            }
        });
        let places = Arc::new(Semaphore::new(100));
        Self { publisher, broadcast, last: Seq(0), clients: Vec::new(), places, others }
    }

    async fn join(&mut self) {
        let (socket, server) = connection().await;
        let place = self.places.clone().acquire_owned().await.unwrap();
        let (_, output) = server.into_split();
        let me = Origin::Connection(ConnectionId(self.clients.len() as u64 + 1));
        let subscription = self.broadcast.join(me, Transport::Tcp { output, _place: place }).await;
        self.clients.push(Client { socket, subscription, taken: Vec::new() });
    }

    fn publish(&mut self, count: u64) {
        self.last = publish(&self.publisher, self.last, count);
    }

    fn client(&mut self, number: usize) -> Option<&mut Client> {
        let count = self.clients.len();
        self.clients.get_mut(number % count.max(1))
    }

    async fn live(&mut self, step: Step) {
        match step {
            Step::Join => self.join().await,
            Step::Publish(count) => self.publish(count),
            Step::Take(number, bytes) => {
                let Some(client) = self.client(number) else { return };
                let mut scratch = vec![0; bytes];
                if let Ok(length) = client.socket.try_read(&mut scratch) {
                    client.taken.extend_from_slice(&scratch[..length]);
                }
            }
            Step::Answer(number) => {
                let Some(client) = self.client(number) else { return };
                let subscription = client.subscription.clone();
                let mut line = Vec::new();
                encode(&ControlMessage::Pong { id: 1.into() }, &mut line);
                // It waits until it is written.
                self.others.spawn(async move { subscription.answer(line).await });
            }
            Step::Resume(number, after) => {
                if let Some(client) = self.client(number) {
                    client.subscription.resume(Seq(after)).await;
                }
            }
            Step::Rest(turns) => {
                for _ in 0..turns {
                    yield_now().await;
                }
            }
        }
    }

    /// Lets the log end, and every client read to its end.
    async fn end(mut self) {
        self.publish(1);
        let last = self.last;
        drop(self.publisher);
        for client in &self.clients {
            // So that nobody waits whether it comes back.
            client.subscription.half_close().await;
        }
        for Client { mut socket, subscription, mut taken } in self.clients {
            let read = timeout(DEADLINE, socket.read_to_end(&mut taken)).await;
            read.expect("its stream ends").unwrap();
            drop(subscription);
            let (got, _) = check(&taken);
            assert_eq!(got, last, "it has got everything to the end");
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
    fn every_client_gets_the_stream_whole_whatever_happens(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut scene = Scene::set();
            scene.join().await;
            for step in steps {
                scene.live(step).await;
            }
            scene.end().await;
        });
    }
}

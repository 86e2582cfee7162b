//! A shard with a real socket, in a time that the test moves on.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    time::{advance, timeout},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{
    ClosingCode, ConnectionId, ControlMessage, Event, EventKind, GameId, Origin, Seq, ServerLine,
};

use super::super::{
    Broadcast, BroadcastConfig, Greeting, Publisher, SnapshotCell, Subscription, Transport,
};
use super::subscriber::{large_snapshot, snapshot};
use crate::log::{Batch, Log};

/// Nothing takes so long.
const DEADLINE: Duration = Duration::from_secs(20);

/// A broadcast with one client.
struct Scene {
    publisher: Publisher,
    last: Seq,
    client: BufReader<TcpStream>,
    subscription: Subscription,
    cut_off: CancellationToken,
}

impl Scene {
    async fn set(pace: BroadcastConfig) -> Self {
        let publisher = Publisher::new(Log::new(1 << 20));
        let desk = SnapshotCell::new(snapshot(Seq(0)));
        let greeting = Greeting { game: GameId("g".into()), tick_ms: 1000, move_rate: 50 };
        let (broadcast, shards) = Broadcast::new(&publisher, &desk, &greeting, pace, 1);
        let cut_off = CancellationToken::new();
        for shard in shards {
            tokio::spawn(shard.run(cut_off.clone()));
        }
        let (client, server) = connection().await;
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let (_, output) = server.into_split();
        let transport = Transport::Tcp { output, _place: place };
        let subscription = broadcast.join(Origin::Connection(ConnectionId(1)), transport).await;
        let client = BufReader::new(client);
        let mut scene = Self { publisher, last: Seq(0), client, subscription, cut_off };
        for _ in 0..2 {
            scene.next_line().await;
        }
        scene
    }

    fn publish(&mut self, count: u64) {
        self.last = publish(&self.publisher, self.last, count);
    }

    async fn next_line(&mut self) -> Option<ServerLine> {
        let mut line = String::new();
        self.client.read_line(&mut line).await.unwrap();
        (!line.is_empty()).then(|| ServerLine::parse(line.as_bytes()).unwrap())
    }
}

/// Publishes `count` events after `last`, and gives the last then.
pub(super) fn publish(publisher: &Publisher, mut last: Seq, count: u64) -> Seq {
    let mut batch = Batch::default();
    for _ in 0..count {
        last = last.next();
        batch.push(&Event { seq: last, ms: 0, kind: EventKind::Clock { clock: 0 } });
    }
    publisher.publish(&batch);
    last
}

/// Two ends of a connection that holds little.
pub(super) async fn connection() -> (TcpStream, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let near = TcpSocket::new_v4().unwrap();
    near.set_recv_buffer_size(32 << 10).unwrap();
    let (client, server) =
        tokio::join!(near.connect(listener.local_addr().unwrap()), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

pub(super) fn pace(flush_interval: Duration) -> BroadcastConfig {
    BroadcastConfig {
        flush_interval,
        stall_limit: Duration::from_secs(30),
        farewell_limit: Duration::from_secs(5),
        snapshot_bytes: 1 << 20,
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_for_too_long_is_closed_with_a_reason() {
    let mut scene = Scene::set(pace(Duration::ZERO)).await;
    scene.publish(10_000);
    // The clock of the test goes on by itself when nobody has anything to do.
    tokio::time::sleep(Duration::from_secs(29)).await;
    scene.publish(1);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut last = None;
    while let Some(line) = scene.next_line().await {
        last = Some(line);
    }
    let Some(ServerLine::Control(ControlMessage::Closing { code, message })) = last else {
        panic!("{last:?}")
    };
    assert_eq!(code, ClosingCode::SlowClient);
    assert!(message.contains("30 s"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_a_little_now_and_then_is_kept() {
    let mut scene = Scene::set(pace(Duration::ZERO)).await;
    scene.publish(10_000);
    let mut scratch = vec![0; 64 << 10];
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        scene.client.read_exact(&mut scratch).await.unwrap();
    }
    let mut rest = String::new();
    scene.client.read_line(&mut rest).await.unwrap();
    let next = scene.next_line().await;
    assert!(matches!(next, Some(ServerLine::Event(_))), "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flush_interval_gathers_what_comes_within_it() {
    let interval = Duration::from_millis(50);
    let mut scene = Scene::set(pace(interval)).await;
    scene.publish(1);
    scene.next_line().await;
    for _ in 0..5 {
        scene.publish(1);
        advance(Duration::from_millis(2)).await;
    }
    let mut chunk = vec![0; 65_536];
    let length = scene.client.read(&mut chunk).await.unwrap();
    let lines = chunk[..length].iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(lines, 5, "they came in one piece");
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_be_waited_for_is_told_so() {
    let mut scene = Scene::set(pace(Duration::ZERO)).await;
    scene.publish(10_000);
    tokio::time::sleep(Duration::from_secs(1)).await;
    scene.cut_off.cancel();
    let mut last = None;
    while let Some(line) = scene.next_line().await {
        last = Some(line);
    }
    let Some(ServerLine::Control(ControlMessage::Closing { code, .. })) = last else {
        panic!("{last:?}")
    };
    assert_eq!(code, ClosingCode::ShuttingDown);
}

#[tokio::test]
async fn an_answer_waits_until_it_is_written_and_no_longer_than_the_reader_is_there() {
    let mut scene = Scene::set(pace(Duration::ZERO)).await;
    scene.subscription.answer("{\"type\":\"pong\",\"id\":1}\n").await;
    assert!(matches!(
        scene.next_line().await,
        Some(ServerLine::Control(ControlMessage::Pong { .. }))
    ));
    scene.publish(5000);
    let subscription = scene.subscription.clone();
    let waiting =
        tokio::spawn(async move { subscription.answer("{\"type\":\"pong\",\"id\":2}\n").await });
    scene.subscription.leave().await;
    waiting.await.unwrap();
}

/// Clients that begin to take a state of 400 KB each and take no more of it, in number `count`; each
/// gets one of its own. If `quiet`, nothing but that state happens when it comes.
async fn clients_in_the_middle_of_states(count: u64, quiet: bool) -> Vec<TcpStream> {
    let publisher = Publisher::new(Log::new(8 << 20));
    let desk = SnapshotCell::new(large_snapshot(Seq(0), 400_000));
    let greeting = Greeting { game: GameId("g".into()), tick_ms: 1000, move_rate: 50 };
    let (broadcast, shards) = Broadcast::new(&publisher, &desk, &greeting, pace(Duration::ZERO), 1);
    for shard in shards {
        tokio::spawn(shard.run(CancellationToken::new()));
    }
    let places = Arc::new(Semaphore::new(100));
    let (mut clients, mut last) = (Vec::new(), Seq(0));
    for number in 1..=count {
        let (mut client, server) = connection().await;
        let place = places.clone().acquire_owned().await.unwrap();
        let transport = Transport::Tcp { output: server.into_split().1, _place: place };
        let join = broadcast.join(Origin::Connection(ConnectionId(number)), transport);
        if quiet {
            // More than a quarter of a state, so that it has to wait for one of its own.
            last = publish(&publisher, last, 4000);
            join.await;
            desk.requested().await;
            desk.publish(large_snapshot(last, 400_000));
            client.read_exact(&mut [0; 1000]).await.unwrap();
        } else {
            join.await;
            client.read_exact(&mut [0; 1000]).await.unwrap();
            last = publish(&publisher, last, 4000);
            desk.publish(large_snapshot(last, 400_000));
        }
        clients.push(client);
    }
    // So that no shard ends.
    tokio::spawn(async move {
        let _kept = (publisher, broadcast);
        std::future::pending::<()>().await;
    });
    clients
}

/// Checks that all but the last `kept` of `clients` are closed in the middle of a state.
async fn only_the_last_are_kept(mut clients: Vec<TcpStream>, kept: usize) {
    let mut rest = Vec::new();
    let first_kept = clients.len() - kept;
    for client in &mut clients[..first_kept] {
        let closed = timeout(DEADLINE, client.read_to_end(&mut rest)).await;
        closed.expect("it is closed").unwrap();
        assert!(rest.len() < 400_000, "it was closed in the middle of the state");
        rest.clear();
    }
    for client in &mut clients[first_kept..] {
        rest.resize(399_000, 0);
        client.read_exact(&mut rest).await.unwrap();
    }
}

#[tokio::test]
async fn clients_in_the_middle_of_old_snapshots_are_closed_when_these_are_too_many() {
    // A mebibyte holds two of them.
    only_the_last_are_kept(clients_in_the_middle_of_states(4, false).await, 2).await;
}

#[tokio::test]
async fn they_are_closed_also_when_nothing_else_happens() {
    only_the_last_are_kept(clients_in_the_middle_of_states(8, true).await, 2).await;
}

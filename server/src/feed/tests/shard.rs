//! Shards with a real socket, in a time that the test moves on.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, duplex},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    time::{advance, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{ClosingCode, ConnectionId, ControlMessage, Origin, Seq, ServerLine};

use super::{
    DEADLINE, SHARD_COUNTS, config, large_state, permit, pong, publish, state, stream_check::check,
    welcome,
};
use crate::feed::{
    Broadcast, BroadcastConfig, FeedWriter, SubscriberHandle, Transport, shard::MAX_CLOSING,
};

/// What the client at the other end reads from.
type Peer = BufReader<Box<dyn AsyncRead + Unpin>>;

/// A feed with one client.
struct Scene {
    writer: FeedWriter,
    broadcast: Broadcast,
    last: Seq,
    client: Peer,
    handle: SubscriberHandle,
    abort: CancellationToken,
}

impl Scene {
    /// A scene with a TCP connection.
    async fn new(config: BroadcastConfig, shards: usize) -> Self {
        let (client, server) = connection().await;
        let transport = Transport::tcp(server.into_split().1, permit());
        Self::with_transport(config, shards, Box::new(client), transport).await
    }

    async fn with_transport(
        config: BroadcastConfig,
        shards: usize,
        client: Box<dyn AsyncRead + Unpin>,
        transport: Transport,
    ) -> Self {
        let writer = FeedWriter::new(state(Seq(0)), 1 << 20).unwrap();
        let (broadcast, shards) = Broadcast::new(&writer, &welcome(), config, shards);
        let abort = CancellationToken::new();
        for shard in shards {
            tokio::spawn(shard.run(abort.clone()));
        }
        let handle = broadcast.join(connection_origin(1), transport).await;
        let client = BufReader::new(client);
        let mut scene = Self { writer, broadcast, last: Seq(0), client, handle, abort };
        for _ in 0..2 {
            scene.next_line().await;
        }
        scene
    }

    async fn publish(&mut self, count: u64) {
        self.last = publish(&mut self.writer, self.last, count).await;
    }

    async fn next_line(&mut self) -> Option<ServerLine> {
        let mut line = String::new();
        let read = timeout(DEADLINE, self.client.read_line(&mut line)).await;
        read.expect("a line comes, or the end").unwrap();
        (!line.is_empty()).then(|| ServerLine::parse(line.as_bytes()).unwrap())
    }

    /// Reads to the end, which is to be a `closing` line.
    async fn closing(&mut self) -> (ClosingCode, String) {
        let mut last = None;
        while let Some(line) = self.next_line().await {
            last = Some(line);
        }
        let Some(ServerLine::Control(ControlMessage::Closing { code, message })) = last else {
            panic!("{last:?}")
        };
        (code, message)
    }
}

fn connection_origin(number: u64) -> Origin {
    Origin::tcp(ConnectionId(number))
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

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_for_too_long_is_closed_with_the_reason() {
    for shards in SHARD_COUNTS {
        let mut scene = Scene::new(config(), shards).await;
        scene.publish(10_000).await;
        // The clock of the test advances by itself when no task has anything to do.
        sleep(Duration::from_secs(29)).await;
        scene.publish(1).await;
        sleep(Duration::from_secs(3)).await;
        let (code, message) = scene.closing().await;
        assert_eq!(code, ClosingCode::SlowClient);
        assert!(message.contains("30 s"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_polled_transport_that_takes_nothing_for_too_long_is_closed() {
    for shards in SHARD_COUNTS {
        let (near, client) = duplex(1000);
        let transport = Transport::stream(near, permit());
        let mut scene = Scene::with_transport(config(), shards, Box::new(client), transport).await;
        scene.publish(1000).await;
        let mut chunk = [0; 1000];
        for _ in 0..4 {
            // It takes a little now and then, less than is held for it.
            sleep(Duration::from_secs(29)).await;
            assert!(scene.client.read(&mut chunk).await.unwrap() > 0, "it is kept");
        }
        sleep(Duration::from_secs(40)).await;
        let mut rest = Vec::new();
        let end = timeout(DEADLINE, scene.client.read_to_end(&mut rest)).await;
        end.expect("it is closed").unwrap();
        assert!(rest.len() <= 1000, "it was closed: {} bytes are what the pipe held", rest.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_a_little_now_and_then_is_kept() {
    for shards in SHARD_COUNTS {
        let mut scene = Scene::new(config(), shards).await;
        scene.publish(10_000).await;
        let mut scratch = vec![0; 64 << 10];
        for _ in 0..4 {
            sleep(Duration::from_secs(20)).await;
            scene.client.read_exact(&mut scratch).await.unwrap();
        }
        let mut rest = String::new();
        scene.client.read_line(&mut rest).await.unwrap();
        let next = scene.next_line().await;
        assert!(matches!(next, Some(ServerLine::Event(_))), "{next:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_interval_gathers_what_comes_within_it() {
    for shards in SHARD_COUNTS {
        let flush_interval = Duration::from_millis(50);
        let mut scene = Scene::new(BroadcastConfig { flush_interval, ..config() }, shards).await;
        scene.publish(1).await;
        scene.next_line().await;
        for _ in 0..5 {
            scene.publish(1).await;
            advance(Duration::from_millis(2)).await;
        }
        let mut chunk = vec![0; 65_536];
        let length = scene.client.read(&mut chunk).await.unwrap();
        let lines = chunk[..length].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(lines, 5, "they came in one piece");
    }
}

#[tokio::test(start_paused = true)]
async fn aborting_tells_clients_that_are_behind() {
    for shards in SHARD_COUNTS {
        let mut scene = Scene::new(config(), shards).await;
        scene.publish(10_000).await;
        sleep(Duration::from_secs(1)).await;
        scene.abort.cancel();
        assert_eq!(scene.closing().await.0, ClosingCode::ShuttingDown);
    }
}

#[tokio::test(start_paused = true)]
async fn aborting_tells_clients_of_polled_transports() {
    for shards in SHARD_COUNTS {
        let (near, client) = duplex(8);
        let transport = Transport::stream(near, permit());
        let mut scene = Scene::with_transport(config(), shards, Box::new(client), transport).await;
        scene.publish(100).await;
        scene.next_line().await;
        scene.abort.cancel();
        assert_eq!(scene.closing().await.0, ClosingCode::ShuttingDown);
    }
}

#[tokio::test]
async fn a_reply_waits_until_it_is_written_or_the_subscriber_is_gone() {
    for shards in SHARD_COUNTS {
        let mut scene = Scene::new(config(), shards).await;
        scene.handle.reply(pong(1)).await;
        let next = scene.next_line().await;
        assert!(matches!(next, Some(ServerLine::Control(ControlMessage::Pong { .. }))), "{next:?}");
        scene.publish(5000).await;
        let handle = scene.handle.clone();
        let waiting = tokio::spawn(async move { handle.reply(pong(2)).await });
        scene.handle.leave().await;
        timeout(DEADLINE, waiting).await.expect("it does not wait for ever").unwrap();
    }
}

#[tokio::test]
async fn each_half_closed_subscriber_of_any_shard_can_be_evicted() {
    for shards in SHARD_COUNTS {
        let mut scene = Scene::new(config(), shards).await;
        assert!(!scene.broadcast.evict_half_closed().await, "there is none");
        let mut handles = vec![scene.handle.clone()];
        let mut clients = Vec::new();
        for number in 2..=6 {
            let (client, server) = connection().await;
            let transport = Transport::tcp(server.into_split().1, permit());
            handles.push(scene.broadcast.join(connection_origin(number), transport).await);
            clients.push(client);
        }
        for handle in &handles[..4] {
            handle.half_close().await;
            // It is handled before the reply is written.
            handle.reply(pong(1)).await;
        }
        for _ in 0..4 {
            assert!(scene.broadcast.evict_half_closed().await);
        }
        assert!(!scene.broadcast.evict_half_closed().await, "the others are not half-closed");
        assert_eq!(scene.closing().await.0, ClosingCode::ServerFull);
        for handle in &handles[4..] {
            handle.reply(pong(1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn permits_of_evicted_clients_return_at_once_and_few_closings_go_on() {
    const CLIENTS: usize = 2 * MAX_CLOSING;
    for shards in SHARD_COUNTS {
        let mut scene = Scene::new(config(), shards).await;
        let permits = Arc::new(Semaphore::new(CLIENTS));
        let mut clients = Vec::new();
        // All are served by one shard, as each shard has a limit of its own.
        for number in (1..).map(|index| 1 + index * shards as u64).take(CLIENTS) {
            let (near, client) = duplex(8);
            let permit = permits.clone().try_acquire_owned().unwrap();
            let transport = Transport::stream(near, permit);
            let handle = scene.broadcast.join(connection_origin(number), transport).await;
            handle.half_close().await;
            clients.push(client);
        }
        // The clock of the test advances when the shard has handled all of that.
        sleep(Duration::from_millis(1)).await;
        for evicted in 1..=CLIENTS {
            assert!(scene.broadcast.evict_half_closed().await);
            assert_eq!(permits.available_permits(), evicted);
        }
        // They do not read, so none of their closings ends before its time.
        let writes = clients.iter_mut().map(|client| client.write(b"x").now_or_never());
        let closed = writes.filter(|written| matches!(written, Some(Err(_)))).count();
        assert_eq!(closed, CLIENTS - MAX_CLOSING);
        scene.publish(1).await;
        assert!(matches!(scene.next_line().await, Some(ServerLine::Event(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_joins_at_the_end_gets_the_last_state_and_what_follows() {
    for shards in SHARD_COUNTS {
        let Scene { mut writer, broadcast, handle, .. } = Scene::new(config(), shards).await;
        // A state before the last event, as that of a game is before `bye`.
        publish(&mut writer, Seq(0), 5).await;
        let (mut client, server) = connection().await;
        let transport = Transport::tcp(server.into_split().1, permit());
        let joined = broadcast.join(connection_origin(2), transport).await;
        writer.close(state(Seq(4)));
        let mut stream = Vec::new();
        timeout(DEADLINE, client.read_to_end(&mut stream)).await.expect("it ends").unwrap();
        let checked = check(&stream);
        assert_eq!((checked.last, checked.accounted), (Seq(5), 5));
        drop((handle, joined));
    }
}

/// Clients that begin to take a state of 400 KB each and take no more of it, in number `count`; each
/// gets one of its own. If `quiet`, nothing but that state is published when it comes.
async fn clients_in_the_middle_of_states(shards: usize, count: u64, quiet: bool) -> Vec<TcpStream> {
    // All are served by the first shard, as each shard has a limit of its own.
    let numbers = (1..=count).map(|number| number * shards as u64);
    let mut writer = FeedWriter::new(large_state(Seq(0), 400_000), 8 << 20).unwrap();
    let (broadcast, shards) = Broadcast::new(&writer, &welcome(), config(), shards);
    for shard in shards {
        tokio::spawn(shard.run(CancellationToken::new()));
    }
    let (mut clients, mut last) = (Vec::new(), Seq(0));
    for number in numbers {
        let (mut client, server) = connection().await;
        let transport = Transport::tcp(server.into_split().1, permit());
        let join = broadcast.join(connection_origin(number), transport);
        if quiet {
            // More than a quarter of a state, so that it has to wait for one of its own.
            last = publish(&mut writer, last, 4000).await;
            join.await;
            writer.snapshot_requested().await;
            writer.publish_snapshot(large_state(last, 400_000));
            client.read_exact(&mut [0; 1000]).await.unwrap();
        } else {
            join.await;
            client.read_exact(&mut [0; 1000]).await.unwrap();
            last = publish(&mut writer, last, 4000).await;
            writer.publish_snapshot(large_state(last, 400_000));
        }
        clients.push(client);
    }
    // So that no shard ends.
    tokio::spawn(async move {
        let _kept = (writer, broadcast);
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
async fn clients_in_the_middle_of_old_snapshots_are_closed_beyond_the_limit() {
    for shards in SHARD_COUNTS {
        // A mebibyte holds two of them.
        let clients = clients_in_the_middle_of_states(shards, 4, false).await;
        only_the_last_are_kept(clients, 2).await;
    }
}

#[tokio::test]
async fn the_snapshot_limit_holds_also_without_events() {
    for shards in SHARD_COUNTS {
        let clients = clients_in_the_middle_of_states(shards, 8, true).await;
        only_the_last_are_kept(clients, 2).await;
    }
}

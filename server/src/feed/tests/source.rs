//! A source that is no game: recorded lines that begin at 1000, with the state kept by the reducer.

use std::{
    io,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, duplex},
    task::yield_now,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{
    ConnectionId, ControlMessage, Direction, Event, EventKind, Name, Origin, PlayerId, Seq,
    ServerLine, State, encode,
};

use super::{
    DEADLINE, SHARD_COUNTS, config, permit, shard::connection, state, stream_check::parse, welcome,
};
use crate::{
    feed::{Append, Broadcast, Delivery, FeedWriter, Journal, Transport},
    log::{Batch, FirstEventError, MAX_FIRST},
};

const FIRST: u64 = 1000;
const COUNT: u64 = 600;
const PER_BATCH: usize = 7;

/// Where the first client that joins in the middle does so.
const MIDDLE: usize = 300;

/// The lines of events in which a player joins and then moves, each with a field that no type of ours
/// has: lines are passed on as they are.
fn recorded() -> Vec<Vec<u8>> {
    let (player, from) = (PlayerId(1), Origin::tcp(ConnectionId(1)));
    let name: Name = "ann".parse().unwrap();
    let line = |seq| {
        let (name, x) = (name.clone(), u16::try_from(seq % 7).unwrap());
        let kind = if seq == FIRST {
            EventKind::Joined { player, name, from, x: 0, y: 0 }
        } else {
            EventKind::Move { player, name, from, direction: Direction::East, x, y: 0 }
        };
        let mut line = Vec::new();
        encode(&Event { seq: Seq(seq), ms: seq, kind }, &mut line);
        line.splice(line.len() - 2.., *b",\"recorded\":true}\n");
        line
    };
    (FIRST..FIRST + COUNT).map(line).collect()
}

/// The state of the recording before its line `index`.
fn state_before(lines: &[Vec<u8>], index: usize) -> State {
    let mut state = state(Seq(FIRST - 1));
    for line in &lines[..index] {
        apply(&mut state, line);
    }
    state
}

fn apply(state: &mut State, line: &[u8]) {
    let Ok(ServerLine::Event(event)) = ServerLine::parse(line) else { panic!("it is an event") };
    state.apply(&event).unwrap();
}

/// Publishes recorded lines, and the state when it is requested.
struct Recording {
    lines: Vec<Vec<u8>>,
    next: usize,
    state: State,
    writer: FeedWriter,
}

impl Recording {
    fn new(lines: Vec<Vec<u8>>) -> Self {
        let state = state(Seq(FIRST - 1));
        Self { lines, next: 0, writer: FeedWriter::new(state.clone(), 1 << 20).unwrap(), state }
    }

    /// Publishes the lines up to the one with number `end`, in batches.
    async fn play(&mut self, end: usize) {
        while self.next < end {
            let batch_end = end.min(self.next + PER_BATCH);
            let mut batch = Batch::default();
            for line in &self.lines[self.next..batch_end] {
                apply(&mut self.state, line);
                batch.push_line(line).unwrap();
            }
            self.next = batch_end;
            self.writer.publish(&batch).await.unwrap();
            if self.writer.snapshot_requested().now_or_never().is_some() {
                self.writer.publish_snapshot(self.state.clone());
            }
            yield_now().await;
        }
    }
}

/// A client over TCP or a polled pipe.
async fn join(broadcast: &Broadcast, number: u64) -> Box<dyn AsyncRead + Unpin + Send> {
    let (transport, client): (_, Box<dyn AsyncRead + Unpin + Send>) = if number.is_multiple_of(2) {
        let (client, server) = connection().await;
        (Transport::tcp(server.into_split().1, permit()), Box::new(client))
    } else {
        let (near, client) = duplex(8);
        (Transport::stream(near, permit()), Box::new(client))
    };
    let you = Origin::tcp(ConnectionId(number));
    broadcast.join(you, transport).await.half_close().await;
    client
}

#[tokio::test]
async fn a_recording_reaches_clients_line_by_line() {
    let lines = recorded();
    for shards in SHARD_COUNTS {
        let mut recording = Recording::new(lines.clone());
        let (broadcast, shards) = Broadcast::new(&recording.writer, &welcome(), config(), shards);
        for shard in shards {
            tokio::spawn(shard.run(CancellationToken::new()));
        }
        let mut clients = Vec::new();
        for number in 1..=16 {
            // Half of them at the beginning, the others while it goes on.
            if number > 8 {
                recording.play(MIDDLE + usize::try_from(number).unwrap()).await;
            }
            let mut client = join(&broadcast, number).await;
            clients.push(tokio::spawn(async move {
                let mut stream = Vec::new();
                client.read_to_end(&mut stream).await.unwrap();
                (number, stream)
            }));
        }
        recording.play(lines.len()).await;
        recording.writer.close(recording.state);
        for client in clients {
            let (number, stream) = timeout(DEADLINE, client).await.expect("it ends").unwrap();
            check(number, &stream, &lines);
        }
    }
}

/// Checks that the client `number` got the state, and then the lines after it as they are.
fn check(number: u64, stream: &[u8], lines: &[Vec<u8>]) {
    let mut parsed = parse(stream);
    let welcome = parsed.next();
    let Some(ServerLine::Control(ControlMessage::Welcome(welcome))) = welcome else {
        panic!("{welcome:?}")
    };
    let next = parsed.next();
    let Some(ServerLine::Control(ControlMessage::State(state))) = next else { panic!("{next:?}") };
    assert_eq!((welcome.oldest, welcome.seq), (Seq(FIRST), state.seq));
    let index = usize::try_from(state.seq.next().since(Seq(FIRST))).unwrap();
    assert!(number <= 8 || index >= MIDDLE, "client {number} joined in the middle, not at {index}");
    assert_eq!(state, state_before(lines, index));
    let events: Vec<&[u8]> = stream.split_inclusive(|&byte| byte == b'\n').skip(2).collect();
    assert_eq!(events, lines[index..], "client {number} got the rest as it was recorded");
}

/// A journal that keeps lines, and checks that no subscriber has got them before.
struct Checking {
    subscription: crate::feed::Subscription,
    stored: Arc<Mutex<Vec<u8>>>,
    capacity: usize,
}

impl Journal for Checking {
    fn append<'a>(&'a mut self, first: Seq, batch: &'a Batch) -> Append<'a> {
        Box::pin(async move {
            yield_now().await;
            let mut stored = self.stored.lock().unwrap();
            let stored_events = stored.split_inclusive(|&byte| byte == b'\n').count();
            assert_eq!(first.0, FIRST + stored_events as u64);
            // What was stored before, which it has not read yet, is all that it gets.
            while let Some(Some(Delivery::Lines(lines))) =
                self.subscription.next(usize::MAX).now_or_never()
            {
                assert!(stored.ends_with(lines), "an event was delivered before it was stored");
            }
            if stored_events >= self.capacity {
                return Err(io::Error::other("the disk is full"));
            }
            stored.extend(batch.lines().flatten());
            Ok(())
        })
    }
}

#[tokio::test]
async fn events_are_in_the_journal_before_any_subscriber_gets_them() {
    let lines = recorded();
    let Recording { writer, .. } = Recording::new(lines.clone());
    let (stored, subscription) = (Arc::default(), writer.subscribe());
    let capacity = 10 * PER_BATCH;
    let journal = Checking { subscription, stored: Arc::clone(&stored), capacity };
    let mut writer = writer.with_journal(journal);
    let mut subscription = writer.subscribe();
    let mut received: Vec<u8> = Vec::new();
    let mut errors = 0;
    for chunk in lines[..12 * PER_BATCH].chunks(PER_BATCH) {
        let mut batch = Batch::default();
        for line in chunk {
            batch.push_line(line).unwrap();
        }
        match writer.publish(&batch).await {
            Ok(()) => {
                let next = timeout(DEADLINE, subscription.next(usize::MAX)).await.unwrap();
                let Some(Delivery::Lines(lines)) = next else { panic!("{next:?}") };
                received.extend_from_slice(lines);
            }
            Err(error) => {
                errors += 1;
                assert_eq!(error.first, Seq(FIRST + capacity as u64), "{error}");
            }
        }
    }
    assert_eq!(errors, 2, "a journal that has failed stays so");
    drop(writer);
    assert_eq!(subscription.next(usize::MAX).await, None, "what was not stored is not delivered");
    assert_eq!(received, lines[..capacity].concat());
    assert_eq!(received, *stored.lock().unwrap());
}

#[test]
fn rejects_states_near_the_end_of_the_numbers() {
    for seq in [MAX_FIRST, Seq(u64::MAX)] {
        let error = FeedWriter::new(state(seq), 1 << 20).unwrap_err();
        assert_eq!(error, FirstEventError(seq.next()));
    }
}

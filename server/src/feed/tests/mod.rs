mod allocations;
mod model;
mod polled_stream;
mod shard;
mod source;
mod stream_check;
mod subscriber;
mod subscriber_scene;
mod subscription;

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tribune_protocol::{
    BoardSize, Event, EventKind, GameId, Seq, State, WorkerId, WorkerState, encode,
};

use super::{BroadcastConfig, FeedWriter, WelcomeTemplate};
use crate::log::Batch;

/// Far more than any test takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// A feed may be written by one shard or by several.
const SHARD_COUNTS: [usize; 2] = [1, 4];

fn state(seq: Seq) -> State {
    let board = BoardSize { width: 1, height: 1 };
    State::new(seq, board)
}

/// A state whose line has `size` bytes and a few more.
fn large_state(seq: Seq, size: usize) -> State {
    let workers = vec![WorkerState { id: WorkerId(1), label: "x".repeat(size) }];
    State { workers, ..state(seq) }
}

fn welcome() -> WelcomeTemplate {
    WelcomeTemplate { game: GameId("g".into()), rules: "walk".into(), tick_ms: 1000, move_rate: 50 }
}

fn config() -> BroadcastConfig {
    BroadcastConfig {
        flush_interval: Duration::ZERO,
        stall_timeout: Duration::from_secs(30),
        drain_stall_timeout: Duration::from_secs(5),
        max_snapshot_bytes: 1 << 20,
    }
}

/// `count` events after `last`, of some 50 bytes each.
fn events(last: Seq, count: u64) -> Batch {
    let mut batch = Batch::default();
    for seq in (last.0 + 1..).take(usize::try_from(count).unwrap()) {
        batch.push(&Event { seq: Seq(seq), ms: 0, kind: EventKind::Clock { clock: 0 } });
    }
    batch
}

/// Publishes `count` events after `last`, and returns the last then.
async fn publish(writer: &mut FeedWriter, last: Seq, count: u64) -> Seq {
    writer.publish(&events(last, count)).await.unwrap();
    Seq(last.0 + count)
}

fn pong(id: u64) -> Vec<u8> {
    let mut line = Vec::new();
    encode(&tribune_protocol::ControlMessage::Pong { id: id.into() }, &mut line);
    line
}

/// A permit of a client.
fn permit() -> OwnedSemaphorePermit {
    Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap()
}

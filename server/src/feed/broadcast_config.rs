use std::time::Duration;

/// How shards write to their subscribers.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastConfig {
    /// The shortest time from the start of a flush pass to the start of the next. 0: a pass starts as
    /// soon as there is something to write.
    pub flush_interval: Duration,
    /// A client that takes nothing for so long is closed.
    pub stall_timeout: Duration,
    /// The same for every subscriber, once the feed has ended.
    pub drain_stall_timeout: Duration,
    /// The most bytes of snapshots that the subscribers of one shard are in the middle of taking.
    /// Beyond it, those that take the oldest snapshot are closed first.
    pub max_snapshot_bytes: usize,
}

use std::time::Duration;

/// How a shard treats its readers.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastConfig {
    /// A walk begins at the earliest this long after the one before. 0: as soon as there is
    /// something to write.
    pub flush_interval: Duration,
    /// A client that takes nothing for so long is closed.
    pub stall_limit: Duration,
    /// The same, when the game is over.
    pub farewell_limit: Duration,
    /// All snapshots that readers of one shard are in the middle of have at most so many bytes:
    /// those who are in the middle of the oldest are closed first.
    pub snapshot_bytes: usize,
}

//! What a server is to do, checked and complete.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use crate::{edge::Limits, feed::BroadcastConfig, game::GameConfig, programs::ProgramLimits};

/// A client that takes nothing for so long is closed.
pub const STALL_LIMIT: Duration = Duration::from_secs(30);

/// The same, when the game is over.
pub const FAREWELL_LIMIT: Duration = Duration::from_secs(5);

/// What clients are in the middle of taking may have so many bytes, in all shards together.
pub const SNAPSHOT_BYTES: usize = 64 << 20;

/// What a server is to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The settings of the game.
    pub game: GameConfig,
    /// Where to listen. A port of 0 is one that the system chooses.
    pub listen: Vec<SocketAddr>,
    /// Clients at a time.
    pub max_clients: usize,
    /// What each connection may do.
    pub limits: Limits,
    /// How many bytes a second all connections of one address may add to the log; `None` for no
    /// bound.
    pub address_bytes: Option<NonZeroU32>,
    /// Players in the game at a time.
    pub max_players: usize,
    /// What each player program is allowed.
    pub program_limits: ProgramLimits,
    /// How many bytes of events the log holds.
    pub log_bytes: usize,
    /// How the stream is written.
    pub pace: BroadcastConfig,
    /// How many tasks write the stream. Not 0.
    pub shards: usize,
    /// Whether standard output tells the game.
    pub console: bool,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is done, and everybody knows.
    Over,
    /// Somebody did not want to wait for that.
    CutShort,
}

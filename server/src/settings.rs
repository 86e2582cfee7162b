//! What a server is to do.

use std::{num::NonZeroU32, time::Duration};

use crate::{
    edge::ConnectionLimits,
    feed::BroadcastConfig,
    game::{GameConfig, RulesConfig},
    programs::ProgramLimits,
    web::WebConfig,
};

/// A client that takes nothing for this long is closed.
pub const STALL_LIMIT: Duration = Duration::from_secs(30);

/// The same, while the server drains.
pub const DRAIN_STALL_LIMIT: Duration = Duration::from_secs(5);

/// The most bytes of snapshots that clients are in the middle of taking, in all shards together.
pub const SNAPSHOT_BYTES: usize = 64 << 20;

/// What a server is to do, checked and complete.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The settings of the game.
    pub game: GameConfig,
    /// The most clients at a time.
    pub max_clients: usize,
    /// The limits of each connection.
    pub limits: ConnectionLimits,
    /// How many bytes a second all connections of one address together may add to the log; `None`
    /// for no limit.
    pub address_bytes: Option<NonZeroU32>,
    /// The most players in the game at a time.
    pub max_players: usize,
    /// Whether the server can start player programs. To do so, it takes over the whole process: it
    /// adopts and kills orphans, and starts its guard from the executable. A server within another
    /// program, such as a test, has to do without.
    pub runs_programs: bool,
    /// The limits of each player program.
    pub program_limits: ProgramLimits,
    /// How many bytes of events the log holds.
    pub log_bytes: usize,
    /// How the feed is written.
    pub broadcast: BroadcastConfig,
    /// How many tasks write the feed. Not 0.
    pub shards: usize,
    /// The port for browsers. The caller listens there.
    pub web: WebConfig,
}

impl Settings {
    /// How many programs the game starts by itself: those of its script, and a referee.
    pub fn programs(&self) -> usize {
        let has_referee = matches!(self.game.rules, RulesConfig::Referee(_));
        self.game.script.len() + usize::from(has_referee)
    }
}

use std::time::Duration;

use tribune_protocol::BoardSize;

use crate::schedule::{PredefCommand, Scheduled};

/// The settings of a game.
#[derive(Clone, Debug)]
pub struct GameConfig {
    /// The size of the board. Neither side is 0.
    pub board: BoardSize,
    /// The time between two ticks of the clock. Not 0.
    pub tick: Duration,
    /// Determines where players enter.
    pub seed: u64,
    /// The programs to start, and when.
    pub script: Vec<Scheduled>,
    /// Whether the script starts again whenever all of its programs have exited.
    pub repeat: bool,
    /// Whether the game continues when no program is left.
    pub stay: bool,
    /// The command that is run for a predef.
    pub predef_command: PredefCommand,
}

use std::{sync::Arc, time::Duration};

use tribune_protocol::BoardSize;

use crate::schedule::{Program, Scheduled};

/// The settings of a game.
#[derive(Clone, Debug)]
pub struct GameConfig {
    /// The rules.
    pub rules: RulesConfig,
    /// The size of the board. Neither side is 0.
    pub board: BoardSize,
    /// The time between two ticks of the clock. Not 0.
    pub tick: Duration,
    /// When turns are played.
    pub turns: TurnConfig,
    /// When rounds and the game end.
    pub ends: GameEnds,
    /// How long after it is out a player can come back; `None` if not before the next round.
    pub respawn: Option<Duration>,
    /// Determines where players enter, and whatever else the rules leave to chance.
    pub seed: u64,
    /// The programs to start, and when.
    pub script: Vec<Scheduled>,
    /// Whether the script starts again whenever all of its programs have exited.
    pub repeat: bool,
    /// Whether the game continues when no program is left.
    pub stay: bool,
    /// The programs that can be started from the keyboard, in the order of their numbers.
    pub keyboard: [Arc<Program>; 4],
}

/// The rules of a game.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RulesConfig {
    /// Players walk on a torus.
    #[default]
    Walk,
    /// Snake.
    Snake,
    /// This program decides.
    Referee(Arc<Program>),
}

/// When turns are played.
#[derive(Clone, Copy, Debug)]
pub struct TurnConfig {
    /// The time from turn to turn; in lockstep the most that players get for a turn. Not 0.
    pub period: Duration,
    /// Whether a turn is played as soon as all players that are not out have acted.
    pub lockstep: bool,
    /// Turns after the first are played only while so many players are in the game.
    pub min_players: usize,
    /// How long a referee may take for a turn.
    pub referee_timeout: Duration,
}

/// What ends rounds and the game, besides their rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GameEnds {
    /// How many rounds the game has; `None` for no limit.
    pub rounds: Option<u64>,
    /// How many turns a round has; `None` for no limit.
    pub turns: Option<u64>,
    /// How long the game lasts; `None` for no limit.
    pub duration: Option<Duration>,
}

impl GameEnds {
    /// Whether there is any end.
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }
}

#[cfg(test)]
impl GameConfig {
    /// A game of walk on 32 × 16 cells with these programs, with the seed 7.
    pub(crate) fn walk(script: Vec<Scheduled>) -> Self {
        let second = Duration::from_secs(1);
        Self {
            rules: RulesConfig::Walk,
            board: BoardSize { width: 32, height: 16 },
            tick: second,
            turns: TurnConfig {
                period: second,
                lockstep: false,
                min_players: 0,
                referee_timeout: second,
            },
            ends: GameEnds::default(),
            respawn: None,
            seed: 7,
            script,
            repeat: false,
            stay: false,
            keyboard: crate::schedule::PredefCommand::BuiltIn.programs(),
        }
    }
}

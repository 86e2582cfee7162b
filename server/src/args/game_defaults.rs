use std::time::Duration;

use crate::{
    game::RulesConfig,
    schedule::{DEMONSTRATION, PredefCommand, SNAKE_DEMONSTRATION},
};

/// The time between two turns of snake: short enough to feel immediate, and long enough for people.
const SNAKE_TURN: Duration = Duration::from_millis(150);

/// The time between two turns of a referee.
const REFEREE_TURN: Duration = Duration::from_secs(1);

/// What one game has by default that others have not.
#[derive(Clone, Debug)]
pub struct GameDefaults {
    /// The time between two turns; `None` for that of the clock's ticks.
    pub turn: Option<Duration>,
    /// The built-in programs that play it.
    pub programs: PredefCommand,
    /// The script of its demonstration.
    pub demonstration: &'static str,
    /// Whether it draws cells, which bounds the size of its board.
    pub draws_cells: bool,
    /// Whether it goes on without programs, as its players come over the network.
    pub stays_without_programs: bool,
    /// Whether its rounds end when players that are out cannot come back.
    pub has_survivors: bool,
}

impl GameDefaults {
    /// The defaults of the game with these `rules`, played in lockstep or by the clock.
    pub fn new(rules: &RulesConfig, lockstep: bool) -> Self {
        match rules {
            RulesConfig::Walk => Self {
                turn: None,
                programs: PredefCommand::BuiltIn,
                demonstration: DEMONSTRATION,
                draws_cells: false,
                stays_without_programs: false,
                has_survivors: false,
            },
            RulesConfig::Snake => Self {
                turn: Some(SNAKE_TURN),
                programs: PredefCommand::Snake { only_changes: !lockstep },
                demonstration: SNAKE_DEMONSTRATION,
                draws_cells: true,
                stays_without_programs: false,
                has_survivors: true,
            },
            RulesConfig::Referee(_) => Self {
                turn: Some(REFEREE_TURN),
                programs: PredefCommand::BuiltIn,
                demonstration: "",
                draws_cells: true,
                stays_without_programs: true,
                has_survivors: false,
            },
        }
    }
}

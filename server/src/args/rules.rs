use std::time::Duration;

use tribune_cli::parse_number;

use super::values::{parse_count, parse_duration, parse_rules, parse_turn};
use crate::{
    game::{GameEnds, RulesConfig, TurnConfig},
    schedule::{DEMONSTRATION, PredefCommand, SNAKE_DEMONSTRATION},
};

/// How long after it is out a player can come back.
const RESPAWN: Duration = Duration::from_secs(3);

/// The time between two turns of snake, unless it is given: short enough to feel immediate, and long
/// enough for people.
const SNAKE_TURN: Duration = Duration::from_millis(150);

/// The time between two turns of a referee.
const REFEREE_TURN: Duration = Duration::from_secs(1);

/// The rules of a game, as typed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rules")]
pub struct RulesArgs {
    /// Rules of the game: walk, snake, or the command of a referee, as in "python3 referee.py" (see
    /// docs/games.md)
    #[arg(long, value_name = "GAME", default_value = "walk", value_parser = parse_rules)]
    game: RulesConfig,

    /// Time between two turns; with --lockstep, the longest time until a turn is played [default: --tick
    /// for walk, 150ms for snake, 1s with a referee]
    #[arg(long, value_name = "TIME", value_parser = parse_turn)]
    turn: Option<Duration>,

    /// Play a turn as soon as all players that are not out have acted, one action each. Actions are sent
    /// to clients only when the turn is played
    #[arg(long)]
    lockstep: bool,

    /// Play turns after the first only while at least this many players are in the game
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parse_number::<usize>)]
    players: usize,

    /// End a round after so many turns
    #[arg(long, value_name = "N", value_parser = parse_count)]
    turns: Option<u64>,

    /// End the game after so many rounds [default: 1 with --turns, and for snake with --no-respawn; with
    /// --repeat no limit]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    rounds: Option<u64>,

    /// End the game after this time
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,

    /// Maximum time that a referee takes for a turn; the first turn always has 10 s
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_turn)]
    referee_timeout: Duration,

    /// Players that are out stay out until the next round, instead of coming back after 3 s; a round of
    /// snake ends when at most one is left
    #[arg(long)]
    no_respawn: bool,
}

impl RulesArgs {
    /// The rules.
    pub fn config(&self) -> RulesConfig {
        self.game.clone()
    }

    /// Whether a referee decides.
    pub fn has_referee(&self) -> bool {
        matches!(self.game, RulesConfig::Referee(_))
    }

    /// Whether the game draws cells, which bounds the size of its board.
    pub fn draws_cells(&self) -> bool {
        match self.game {
            RulesConfig::Walk => false,
            RulesConfig::Snake | RulesConfig::Referee(_) => true,
        }
    }

    /// The built-in programs that play this game.
    pub fn built_in_programs(&self) -> PredefCommand {
        match self.game {
            RulesConfig::Walk | RulesConfig::Referee(_) => PredefCommand::BuiltIn,
            RulesConfig::Snake => PredefCommand::Snake { only_changes: !self.lockstep },
        }
    }

    /// The script of the demonstration of this game.
    pub fn demonstration(&self) -> &'static str {
        match self.game {
            RulesConfig::Walk => DEMONSTRATION,
            RulesConfig::Snake => SNAKE_DEMONSTRATION,
            // Players come over the network.
            RulesConfig::Referee(_) => "",
        }
    }

    /// When turns are played, in a game whose clock has this `tick`.
    pub fn turns(&self, tick: Duration) -> TurnConfig {
        let default = match self.game {
            RulesConfig::Walk => tick,
            RulesConfig::Snake => SNAKE_TURN,
            RulesConfig::Referee(_) => REFEREE_TURN,
        };
        TurnConfig {
            period: self.turn.unwrap_or(default),
            lockstep: self.lockstep,
            min_players: self.players,
            referee_timeout: self.referee_timeout,
        }
    }

    /// What ends rounds and the game, whose script is to `repeat` or not.
    pub fn ends(&self, repeat: bool) -> GameEnds {
        // A match of snake is over when one snake is left, and so is a round of a given length.
        let is_match = self.no_respawn && matches!(self.game, RulesConfig::Snake);
        let is_one_round = (self.turns.is_some() || is_match) && !repeat;
        GameEnds {
            rounds: self.rounds.or(is_one_round.then_some(1)),
            turns: self.turns,
            duration: self.duration,
        }
    }

    /// How long after it is out a player can come back, if it can.
    pub fn respawn(&self) -> Option<Duration> {
        (!self.no_respawn).then_some(RESPAWN)
    }
}

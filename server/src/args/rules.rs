use std::time::Duration;

use tribune_cli::parse_number;

use super::{
    game_defaults::GameDefaults,
    values::{parse_count, parse_duration, parse_rules, parse_turn},
};
use crate::game::{GameEnds, RulesConfig, TurnConfig};

/// How long after it is out a player can come back.
const RESPAWN: Duration = Duration::from_secs(3);

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

    /// What its game has by default.
    pub fn defaults(&self) -> GameDefaults {
        GameDefaults::new(&self.game, self.lockstep)
    }

    /// When turns are played, in a game whose clock has this `tick`.
    pub fn turns(&self, tick: Duration) -> TurnConfig {
        TurnConfig {
            period: self.turn.or(self.defaults().turn).unwrap_or(tick),
            lockstep: self.lockstep,
            min_players: self.players,
            referee_timeout: self.referee_timeout,
        }
    }

    /// What ends rounds and the game, whose script is to `repeat` or not.
    pub fn ends(&self, repeat: bool) -> GameEnds {
        let is_match = self.no_respawn && self.defaults().has_survivors;
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

use tribune_protocol::{EventKind, Origin, PlayerState};

use super::{Game, GameEnds, REFEREE, players::Player, standings::ranking};
use crate::rules::RoundResult;

/// Of the players that leave a round, so many with a score are in its result.
const MAX_DEPARTED: usize = 1000;

/// Counts rounds and their turns.
#[derive(Debug)]
pub struct Rounds {
    ends: GameEnds,
    seed: u64,
    /// The round that is played; 0 before the first.
    round: u64,
    /// The turns that were played in it.
    turns: u64,
    /// Whether it has not ended.
    is_open: bool,
}

impl Rounds {
    /// Rounds of a game with this seed, the first of which is still to begin.
    pub fn new(ends: GameEnds, seed: u64) -> Self {
        Self { ends, seed, round: 0, turns: 0, is_open: false }
    }

    /// The number of the round that is played, or was played last.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Whether a round is played.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Begins the next round, and returns its number and its seed.
    ///
    /// Each round has the next seed. From the second round on seeds are below 2^53, which is exact in every
    /// language; the first is the seed of the game, as given.
    pub fn begin(&mut self) -> (u64, u64) {
        self.round += 1;
        self.turns = 0;
        self.is_open = true;
        let seed = self.seed.wrapping_add(self.round - 1);
        (self.round, if self.round == 1 { seed } else { seed & ((1 << 53) - 1) })
    }

    /// Counts a turn, and says whether it was the last of its round.
    pub fn count_turn(&mut self) -> bool {
        self.turns += 1;
        self.ends.turns.is_some_and(|turns| self.turns >= turns)
    }

    /// Ends the round, and says whether it was the last one.
    pub fn end(&mut self) -> bool {
        self.is_open = false;
        self.ends.rounds.is_some_and(|rounds| self.round >= rounds)
    }
}

impl Game {
    /// Begins the first round, if the game has rounds.
    pub(super) fn begin(&mut self) {
        if let Some(command) = self.referee_command.take() {
            self.program_started(REFEREE, command);
        }
        if self.has_turns() || self.ends.is_any() {
            self.begin_round();
        }
    }

    fn begin_round(&mut self) {
        let (round, seed) = self.rounds.begin();
        self.emit(EventKind::Round { round, seed });
        self.cells.clear();
        for player in self.players.iter_mut() {
            player.score = 0;
            player.earlier_moves = player.moves;
            // A line for the turn that has just closed can still come, and does not count in this round.
            if player.out_since.take().is_some_and(|since| since < self.now) {
                player.answers.reset();
            }
        }
        self.rules.begin_round(seed);
        for id in self.players.ids() {
            if let Some((from, player)) = self.players.get_mut(id) {
                // Clients get the new cell when the rules draw it.
                self.rules.enter(id, from, &player.name);
            }
        }
    }

    /// Ends the round with this result, and begins the next one if the game `goes_on` and it was not the
    /// last.
    pub(super) fn end_round(&mut self, result: &RoundResult, goes_on: bool) {
        let was_last = self.rounds.end();
        self.emit_result(result);
        if !goes_on {
            return;
        }
        if was_last {
            let rounds = self.rounds.round();
            let plural = if rounds == 1 { "" } else { "s" };
            self.stop(format!("{rounds} round{plural} played"));
        } else if !self.is_stopping() {
            self.begin_round();
        }
    }

    /// Ends the round that is played, if there is one, without a result.
    pub(super) fn abandon_round(&mut self) {
        self.rounds.end();
    }

    /// Ends the round that is played, if there is one, because the game ends.
    pub(super) fn end_last_round(&mut self) {
        if self.rounds.is_open() {
            self.rounds.end();
            self.emit_result(&RoundResult::ByScore);
        }
    }

    /// Keeps what `player` has achieved for the result of the round, which it leaves.
    pub(super) fn remember_departed(&mut self, from: Origin, player: &Player) {
        if !self.rounds.is_open() || self.departed.len() == MAX_DEPARTED {
            return;
        }
        let standing = self.standing(from, player);
        if standing.score.is_some_and(|score| score != 0) {
            self.departed.push(standing);
        }
    }

    fn emit_result(&mut self, result: &RoundResult) {
        let mut players = std::mem::take(&mut self.departed);
        players.extend(self.players.states(|player, from| self.standing(from, player)));
        let ranking = ranking(result, &players);
        if !ranking.is_empty() {
            self.emit(EventKind::Result { round: self.rounds.round(), ranking });
        }
    }

    /// The state of `player` with its score in the round: in a game without turns, the number of its moves.
    fn standing(&self, from: Origin, player: &Player) -> PlayerState {
        if self.has_turns() {
            return player.state_with_score(from);
        }
        let moves = player.moves - player.earlier_moves;
        PlayerState { score: Some(i64::try_from(moves).unwrap_or(i64::MAX)), ..player.state(from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_have_a_number_of_turns_and_seeds_that_follow_each_other() {
        let ends = GameEnds { rounds: Some(2), turns: Some(3), duration: None };
        let mut rounds = Rounds::new(ends, 7);
        assert_eq!(rounds.begin(), (1, 7));
        assert_eq!([(); 3].map(|()| rounds.count_turn()), [false, false, true]);
        assert!(!rounds.end());
        assert_eq!(rounds.begin(), (2, 8));
        assert!(rounds.is_open() && !rounds.count_turn());
        assert!(rounds.end());
    }
}

use super::GameEnds;

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

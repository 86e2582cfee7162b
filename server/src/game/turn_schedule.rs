use std::{collections::HashSet, time::Duration};

use tribune_protocol::PlayerId;

use super::TurnConfig;

/// By how much the limit for an outcome is extended: enough to read what is in the mailbox.
const OUTCOME_EXTENSION: Duration = Duration::from_millis(200);

/// When turns are played: by the clock, or in lockstep as soon as all players have acted.
///
/// Between two turns, the next one is *open*: players act in it until it closes.
#[derive(Debug)]
pub struct TurnSchedule {
    config: TurnConfig,
    /// The turn that was played last; 0 before the first.
    last: u64,
    /// When the open turn closes at the latest.
    due: Duration,
    /// If the outcome of a turn that has closed is still to come: when it is due.
    pending: Option<Duration>,
    /// Whether the limit for that outcome was extended.
    is_extended: bool,
    /// In lockstep: the players that the open turn waits for.
    waiting_for: HashSet<PlayerId>,
    /// In lockstep: whether a player has acted in the open turn.
    has_acts: bool,
}

impl TurnSchedule {
    /// A schedule whose first turn is due at 0.
    pub fn new(config: TurnConfig) -> Self {
        Self {
            config,
            last: 0,
            due: Duration::ZERO,
            pending: None,
            is_extended: false,
            waiting_for: HashSet::new(),
            has_acts: false,
        }
    }

    /// The turn that was played last, or is being played.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The turn in which players act now.
    pub fn open(&self) -> u64 {
        self.last + 1
    }

    /// Whether turns are played in lockstep.
    pub fn are_lockstep(&self) -> bool {
        self.config.lockstep
    }

    /// Whether a turn is being played whose outcome is still to come.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// When the outcome is due of the turn that is being played.
    pub fn outcome_due(&self) -> Option<Duration> {
        self.pending
    }

    /// Extends the limit for the outcome, once and not for long, at `now`: it may have come while the game
    /// itself was not running. Returns whether it did.
    pub fn extend(&mut self, now: Duration) -> bool {
        self.pending = Some(now + OUTCOME_EXTENSION);
        !std::mem::replace(&mut self.is_extended, true)
    }

    /// How long the outcome of a turn may take.
    pub fn outcome_limit(&self) -> Duration {
        self.config.referee_timeout
    }

    /// When the open turn closes at the latest; `None` while another is being played.
    pub fn next_due(&self) -> Option<Duration> {
        self.pending.is_none().then_some(self.due)
    }

    /// Closes the open turn at `now`, if it may be played with so many `players`, and returns its number.
    /// Otherwise it stays open for another period.
    pub fn close(&mut self, now: Duration, players: usize) -> Option<u64> {
        if self.last > 0 && players < self.config.min_players {
            let next = self.due + self.config.period;
            self.due = if next <= now { now + self.config.period } else { next };
            return None;
        }
        self.last += 1;
        self.pending = Some(now + self.config.referee_timeout);
        self.is_extended = false;
        Some(self.last)
    }

    /// Opens the next turn at `now`, when the last one has been played. Lockstep waits for `players`.
    ///
    /// If `was_late`, the outcome of the last turn came after the turn had closed, and the open turn gets a whole
    /// period. Otherwise turns by the clock are at absolute times and do not drift; missed turns are skipped.
    pub fn open_next(
        &mut self,
        now: Duration,
        was_late: bool,
        players: impl Iterator<Item = PlayerId>,
    ) {
        self.pending = None;
        let next = self.due + self.config.period;
        let has_drifted = self.config.lockstep || was_late || next <= now;
        self.due = if has_drifted { now + self.config.period } else { next };
        if self.config.lockstep {
            self.has_acts = false;
            self.waiting_for.clear();
            self.waiting_for.extend(players);
        }
    }

    /// Notes that `player` has acted in the open turn.
    pub fn acted(&mut self, player: PlayerId) {
        self.has_acts = true;
        self.waiting_for.remove(&player);
    }

    /// Notes that `player` has left.
    pub fn left(&mut self, player: PlayerId) {
        self.waiting_for.remove(&player);
    }

    /// Whether the open turn can close before its time, with so many `players`.
    pub fn is_complete(&self, players: usize) -> bool {
        self.config.lockstep
            && self.pending.is_none()
            && self.has_acts
            && self.waiting_for.is_empty()
            && players >= self.config.min_players
    }

    /// The players that have not acted in the open turn.
    pub fn missing(&self) -> impl Iterator<Item = PlayerId> {
        self.waiting_for.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: PlayerId = PlayerId(1);
    const BOB: PlayerId = PlayerId(2);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn turns(lockstep: bool, min_players: usize) -> TurnSchedule {
        TurnSchedule::new(TurnConfig {
            period: ms(100),
            lockstep,
            min_players,
            referee_timeout: ms(500),
        })
    }

    fn play(turns: &mut TurnSchedule, now: u64, was_late: bool) {
        turns.close(ms(now), 9).unwrap();
        turns.open_next(ms(now), was_late, [ANN, BOB].into_iter());
    }

    #[test]
    fn turns_by_the_clock_keep_to_absolute_times_and_are_not_made_up_for() {
        let mut turns = turns(false, 0);
        let mut due = Vec::new();
        for now in [0, 107, 203, 850, 950] {
            assert!(turns.next_due().unwrap() <= ms(now));
            play(&mut turns, now, false);
            due.push(turns.next_due().unwrap().as_millis());
        }
        assert_eq!(due, [100, 200, 300, 950, 1050]);
        assert_eq!(turns.open(), 6);
    }

    #[test]
    fn a_turn_after_a_late_outcome_gets_a_whole_period() {
        let mut turns = turns(false, 0);
        turns.close(ms(0), 0).unwrap();
        assert_eq!(turns.next_due(), None, "no turn is due meanwhile");
        turns.open_next(ms(40), true, [].into_iter());
        assert_eq!(turns.next_due(), Some(ms(140)));
    }

    #[test]
    fn the_limit_for_an_outcome_is_extended_once() {
        let mut turns = turns(false, 0);
        for (now, due) in [(0, 500), (40, 540)] {
            assert_eq!(turns.outcome_due(), None);
            turns.close(ms(now), 0).unwrap();
            assert_eq!(turns.outcome_due(), Some(ms(due)));
            assert!(turns.extend(ms(9000)));
            assert_eq!(turns.outcome_due(), Some(ms(9200)));
            assert!(!turns.extend(ms(9200)));
            turns.open_next(ms(now), true, [].into_iter());
        }
    }

    #[test]
    fn lockstep_waits_for_all_players_or_the_limit() {
        let mut turns = turns(true, 0);
        play(&mut turns, 0, false);
        assert!(!turns.is_complete(2));
        turns.acted(ANN);
        assert!(!turns.is_complete(2));
        assert_eq!(turns.missing().collect::<Vec<_>>(), [BOB]);
        turns.acted(BOB);
        assert!(turns.is_complete(2));
        play(&mut turns, 30, false);
        assert_eq!(turns.next_due(), Some(ms(130)));
        turns.left(BOB);
        assert!(!turns.is_complete(1), "no player has acted");
        turns.acted(ANN);
        assert!(turns.is_complete(1));
    }

    #[test]
    fn turns_after_the_first_wait_for_enough_players() {
        let mut turns = turns(true, 2);
        assert_eq!(turns.close(ms(0), 0), Some(1));
        turns.open_next(ms(0), false, [ANN].into_iter());
        turns.acted(ANN);
        assert!(!turns.is_complete(1));
        assert_eq!(turns.close(ms(100), 1), None);
        assert_eq!(turns.next_due(), Some(ms(200)));
        assert_eq!(turns.close(ms(950), 1), None);
        assert_eq!(turns.next_due(), Some(ms(1050)), "turns that were missed are not made up for");
        assert!(turns.is_complete(2));
    }
}

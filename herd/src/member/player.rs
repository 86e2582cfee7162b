use std::time::Duration;

use tokio::time::Instant;
use tribune_protocol::{Direction, Move, Name};

use crate::measure::{Offence, Tally};

/// What a member that plays does: it moves, waits for its move to come back, and moves again.
///
/// Moves are due at fixed times. One that has to wait for the one before is late, which the response
/// time shows.
#[derive(Debug)]
pub(super) struct Player {
    name: Name,
    interval: Duration,
    patience: Duration,
    due: Instant,
    turns: usize,
    under_way: Option<Step>,
    /// Moves that were given up. They may still come.
    given_up: u64,
}

/// A move that has not come back yet.
#[derive(Clone, Copy, Debug)]
struct Step {
    direction: Direction,
    due: Instant,
    sent: Instant,
    /// Whether events were missed since, of which its own may be one: that is counted already.
    is_excused: bool,
}

impl Player {
    /// The player of the member `number`. It moves every `interval` from `now` on, and gives up a
    /// move that has not come back for `patience`.
    pub(super) fn new(number: u64, interval: Duration, patience: Duration, now: Instant) -> Self {
        let name = format!("herd-{number}").parse().expect("these characters may be in a name");
        // So that they do not all move at the same moment: the golden ratio spreads them evenly.
        #[expect(clippy::cast_precision_loss, reason = "it matters only that it is spread")]
        let share = (number as f64 * 0.618_033_988_749_895).fract();
        let due = now + interval.mul_f64(share);
        // Not all the same way either.
        let turns = usize::try_from(number).unwrap_or(0) % Direction::ALL.len();
        Self { name, interval, patience, due, turns, under_way: None, given_up: 0 }
    }

    /// When it is to be asked again.
    pub(super) fn wakes_at(&self) -> Instant {
        self.under_way.map_or(self.due, |step| step.sent + self.patience)
    }

    /// Whether a move of it has not come back yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.under_way.is_some()
    }

    /// The move that is due at `now`, if one is.
    pub(super) fn step(&mut self, now: Instant, tally: &mut Tally) -> Option<Move> {
        if self.under_way.is_some() || now < self.due {
            return None;
        }
        self.turns += 1;
        let direction = Direction::ALL[self.turns % Direction::ALL.len()];
        self.under_way = Some(Step { direction, due: self.due, sent: now, is_excused: false });
        self.due += self.interval;
        tally.moves.sent += 1;
        Some(Move { direction, name: self.name.clone() })
    }

    /// Gives up a move that has been under way for too long at `now`.
    pub(super) fn give_up_late(&mut self, now: Instant, tally: &mut Tally) -> Option<Offence> {
        let is_late = self.under_way.is_some_and(|step| now >= step.sent + self.patience);
        let lost = if is_late { self.give_up(tally) } else { None };
        tally.overdue += i64::from(lost.is_some());
        lost
    }

    /// Gives up the move that is under way: it will not come back.
    pub(super) fn give_up(&mut self, tally: &mut Tally) -> Option<Offence> {
        let step = self.under_way.take()?;
        if step.is_excused {
            return None;
        }
        self.given_up += 1;
        tally.counts.expected += 1;
        tally.counts.lost += 1;
        Some(Offence::MoveLost)
    }

    /// The game is over, or events were skipped: what is under way need not come back.
    pub(super) fn withdraw(&mut self) {
        self.under_way = None;
    }

    /// Events were missed, of which its own may be one.
    pub(super) fn excuse(&mut self) {
        if let Some(step) = &mut self.under_way {
            step.is_excused = true;
        }
    }

    /// A move of it came back at `now`.
    pub(super) fn came_back(
        &mut self,
        direction: Direction,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<Offence> {
        let Some(step) = self.under_way.take_if(|step| step.direction == direction) else {
            if self.given_up > 0 {
                // So late that it was taken for lost.
                self.given_up -= 1;
                tally.counts.expected -= 1;
                tally.counts.lost -= 1;
                tally.overdue -= 1;
                tally.moves.back += 1;
                return None;
            }
            return Some(if self.under_way.is_some() {
                tally.counts.out_of_order += 1;
                Offence::MoveOutOfOrder
            } else {
                tally.counts.duplicated += 1;
                Offence::MoveAgain
            });
        };
        tally.moves.back += 1;
        tally.service.record(now - step.sent);
        tally.response.record(now - step.due);
        None
    }

    /// Its move was refused.
    pub(super) fn was_refused(&mut self, tally: &mut Tally) {
        if self.under_way.take().is_some() {
            tally.moves.refused += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Match {
        player: Player,
        tally: Tally,
        start: Instant,
    }

    impl Match {
        fn new() -> Self {
            let start = Instant::now();
            let mut player = Player::new(4, SECOND, 5 * SECOND, start);
            player.due = start;
            Self { player, tally: Tally::default(), start }
        }

        fn step(&mut self, ms: u64) -> Option<Direction> {
            let now = self.start + Duration::from_millis(ms);
            self.player.step(now, &mut self.tally).map(|step| step.direction)
        }

        fn back(&mut self, direction: Direction, ms: u64) -> Option<Offence> {
            let now = self.start + Duration::from_millis(ms);
            self.player.came_back(direction, now, &mut self.tally)
        }
    }

    #[tokio::test]
    async fn a_move_that_waits_for_the_one_before_is_late_by_its_own_clock() {
        let mut game = Match::new();
        let first = game.step(0).unwrap();
        assert_eq!(game.step(1500), None, "the first is under way");
        assert_eq!(game.back(first, 2500), None);
        let second = game.step(2500).unwrap();
        assert_eq!(game.back(second, 2600), None);
        let (service, response) = (game.tally.service, game.tally.response);
        assert_eq!(service.percentiles().unwrap().p50 / 1000, 100);
        assert_eq!(response.percentiles().unwrap().p50 / 1000, 1600);
        assert_eq!((game.tally.moves.sent, game.tally.moves.back), (2, 2));
    }

    #[tokio::test]
    async fn a_move_that_comes_again_or_never_or_too_early_is_found() {
        let mut game = Match::new();
        let first = game.step(0).unwrap();
        assert_eq!(game.back(first, 10), None);
        assert_eq!(game.back(first, 20), Some(Offence::MoveAgain));
        game.step(1000).unwrap();
        assert_eq!(game.back(first, 1010), Some(Offence::MoveOutOfOrder));
        let late = game.start + 6 * SECOND;
        assert_eq!(game.player.give_up_late(late, &mut game.tally), Some(Offence::MoveLost));
        let counts = game.tally.counts;
        assert_eq!((counts.duplicated, counts.out_of_order, counts.lost), (1, 1, 1));
        assert_eq!(game.tally.overdue, 1);
        assert_eq!(game.back(first, 6500), None, "it is not lost, but late");
        assert_eq!((game.tally.counts.lost, game.tally.moves.back), (0, 2));
        assert_eq!(game.tally.overdue, 0);
    }
}

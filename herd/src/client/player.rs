use std::time::Duration;

use tokio::time::Instant;
use tribune_protocol::{Direction, Move, Name};

use crate::measure::{Tally, Violation};

/// The moves of a client that plays: it sends a move, waits for it to return as an event, and sends
/// the next.
///
/// Moves are due at fixed times. One that has to wait for the one before is late, which the response
/// time includes.
#[derive(Debug)]
pub(super) struct Player {
    name: Name,
    interval: Duration,
    timeout: Duration,
    due: Instant,
    /// Counts moves, for their directions.
    count: usize,
    pending: Option<PendingMove>,
    /// Moves that timed out. They may still return.
    expired: u64,
}

/// A move that has not returned yet.
#[derive(Clone, Copy, Debug)]
struct PendingMove {
    direction: Direction,
    due: Instant,
    sent: Instant,
    /// Whether events were lost since, which may include this move: that loss is counted already.
    may_be_missed: bool,
}

impl Player {
    /// The player of the client `number`. It moves every `interval` from `now` on. A move that does
    /// not return within `timeout` is lost.
    pub(super) fn new(number: u64, interval: Duration, timeout: Duration, now: Instant) -> Self {
        let name = format!("herd-{number}").parse().expect("these characters are valid in a name");
        // Multiples of the golden ratio spread the first moves of all players evenly.
        #[expect(clippy::cast_precision_loss, reason = "only the spread matters")]
        let share = (number as f64 * 0.618_033_988_749_895).fract();
        let due = now + interval.mul_f64(share);
        // Players start in different directions too.
        let count = usize::try_from(number).unwrap_or(0) % Direction::ALL.len();
        Self { name, interval, timeout, due, count, pending: None, expired: 0 }
    }

    /// When the next move is due, or the pending one times out.
    pub(super) fn next_deadline(&self) -> Instant {
        self.pending.map_or(self.due, |pending| pending.sent + self.timeout)
    }

    /// Whether a move has not returned yet.
    pub(super) fn has_pending_move(&self) -> bool {
        self.pending.is_some()
    }

    /// The move to send at `now`, if one is due and none is pending.
    pub(super) fn next_move(&mut self, now: Instant, tally: &mut Tally) -> Option<Move> {
        if self.pending.is_some() || now < self.due {
            return None;
        }
        self.count += 1;
        let direction = Direction::ALL[self.count % Direction::ALL.len()];
        self.pending =
            Some(PendingMove { direction, due: self.due, sent: now, may_be_missed: false });
        self.due += self.interval;
        tally.moves.sent += 1;
        Some(Move { direction, name: self.name.clone() })
    }

    /// Gives up the pending move if it has timed out at `now`.
    pub(super) fn expire_if_late(&mut self, now: Instant, tally: &mut Tally) -> Option<Violation> {
        let is_late = self.pending.is_some_and(|pending| now >= pending.sent + self.timeout);
        let lost = if is_late { self.expire(tally) } else { None };
        tally.lost_by_timeout += i64::from(lost.is_some());
        lost
    }

    /// Gives up the pending move: it is lost.
    pub(super) fn expire(&mut self, tally: &mut Tally) -> Option<Violation> {
        let pending = self.pending.take()?;
        if pending.may_be_missed {
            return None;
        }
        self.expired += 1;
        tally.counts.expected += 1;
        tally.counts.lost += 1;
        Some(Violation::MoveLost)
    }

    /// Forgets the pending move: the game is over, or events were skipped, so it need not return.
    pub(super) fn cancel_pending(&mut self) {
        self.pending = None;
    }

    /// Notes that events were lost, which may include the pending move.
    pub(super) fn mark_may_be_missed(&mut self) {
        if let Some(pending) = &mut self.pending {
            pending.may_be_missed = true;
        }
    }

    /// Handles a move of this player that returned at `now`.
    pub(super) fn returned(
        &mut self,
        direction: Direction,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<Violation> {
        let Some(pending) = self.pending.take_if(|pending| pending.direction == direction) else {
            return self.unexpected(tally);
        };
        tally.moves.returned += 1;
        tally.service.record(now - pending.sent);
        tally.response.record(now - pending.due);
        None
    }

    /// Handles a returned move that is not the pending one.
    fn unexpected(&mut self, tally: &mut Tally) -> Option<Violation> {
        if self.expired > 0 {
            // It was counted as lost, but is only late.
            self.expired -= 1;
            tally.counts.expected -= 1;
            tally.counts.lost -= 1;
            tally.lost_by_timeout -= 1;
            tally.moves.returned += 1;
            None
        } else if self.pending.is_some() {
            tally.counts.out_of_order += 1;
            Some(Violation::MoveOutOfOrder)
        } else {
            tally.counts.duplicated += 1;
            Some(Violation::MoveAgain)
        }
    }

    /// Handles a refusal by the server.
    pub(super) fn refused(&mut self, tally: &mut Tally) {
        if self.pending.take().is_some() {
            tally.moves.refused += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Fixture {
        player: Player,
        tally: Tally,
        start: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            let start = Instant::now();
            let mut player = Player::new(4, SECOND, 5 * SECOND, start);
            player.due = start;
            Self { player, tally: Tally::default(), start }
        }

        fn next_move(&mut self, ms: u64) -> Option<Direction> {
            let now = self.start + Duration::from_millis(ms);
            self.player.next_move(now, &mut self.tally).map(|next| next.direction)
        }

        fn returned(&mut self, direction: Direction, ms: u64) -> Option<Violation> {
            let now = self.start + Duration::from_millis(ms);
            self.player.returned(direction, now, &mut self.tally)
        }
    }

    #[tokio::test]
    async fn a_move_that_waits_for_the_one_before_has_a_longer_response_time() {
        let mut game = Fixture::new();
        let first = game.next_move(0).unwrap();
        assert_eq!(game.next_move(1500), None, "the first is under way");
        assert_eq!(game.returned(first, 2500), None);
        let second = game.next_move(2500).unwrap();
        assert_eq!(game.returned(second, 2600), None);
        let (service, response) = (game.tally.service, game.tally.response);
        assert_eq!(service.percentiles().unwrap().p50 / 1000, 100);
        assert_eq!(response.percentiles().unwrap().p50 / 1000, 1600);
        assert_eq!((game.tally.moves.sent, game.tally.moves.returned), (2, 2));
    }

    #[tokio::test]
    async fn detects_repeated_missing_and_reordered_moves() {
        let mut game = Fixture::new();
        let first = game.next_move(0).unwrap();
        assert_eq!(game.returned(first, 10), None);
        assert_eq!(game.returned(first, 20), Some(Violation::MoveAgain));
        game.next_move(1000).unwrap();
        assert_eq!(game.returned(first, 1010), Some(Violation::MoveOutOfOrder));
        let late = game.start + 6 * SECOND;
        assert_eq!(game.player.expire_if_late(late, &mut game.tally), Some(Violation::MoveLost));
        let counts = game.tally.counts;
        assert_eq!((counts.duplicated, counts.out_of_order, counts.lost), (1, 1, 1));
        assert_eq!(game.tally.lost_by_timeout, 1);
        assert_eq!(game.returned(first, 6500), None, "late rather than lost");
        assert_eq!((game.tally.counts.lost, game.tally.moves.returned), (0, 2));
        assert_eq!(game.tally.lost_by_timeout, 0);
    }
}

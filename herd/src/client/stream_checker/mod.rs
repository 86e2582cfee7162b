//! Checks the stream that one client receives.

mod control;
#[cfg(test)]
mod tests;
mod timestamps;

use std::time::Duration;

use tokio::time::Instant;
use tribune_protocol::{ClosingCode, ConnectionId, Origin, ServerLine, check_first_line};

use self::timestamps::Timestamps;
use super::player::Player;
use crate::{
    failure::{Failure, FailureKind},
    measure::{
        EventSummary, Finding, Fingerprint, Ledger, StreamComparison, SummaryKind, Tally, Violation,
    },
};

/// Checks the stream of one client line by line, and records what it finds.
#[derive(Debug)]
pub(super) struct StreamChecker {
    /// The number of the client.
    client: u64,
    connecting_since: Instant,
    /// From `welcome`: the origin of this client's moves, and the event that its state includes last.
    welcome: Option<(Origin, u64)>,
    tick: Duration,
    /// Which events have arrived; from the first state on.
    ledger: Option<Ledger>,
    /// The event whose state must follow a `resync`.
    awaited_state: Option<u64>,
    pub(super) player: Option<Player>,
    closing: Option<(ClosingCode, String)>,
    /// The number of `bye`.
    bye: Option<u64>,
    had_refusal: bool,
    timestamps: Timestamps,
}

/// What a check of a line needs besides the line.
pub(super) struct CheckContext<'a> {
    /// The comparison with other clients.
    pub(super) comparison: &'a StreamComparison,
    /// Where findings are recorded.
    pub(super) tally: &'a mut Tally,
    /// When the line arrived.
    pub(super) now: Instant,
    /// The same, in microseconds since the start of the run.
    pub(super) at_us: u64,
}

impl StreamChecker {
    /// A checker for the client number `client`, which is connecting since `connecting_since`.
    pub(super) fn new(client: u64, connecting_since: Instant, player: Option<Player>) -> Self {
        Self {
            client,
            connecting_since,
            welcome: None,
            tick: Duration::ZERO,
            ledger: None,
            awaited_state: None,
            player,
            closing: None,
            bye: None,
            had_refusal: false,
            timestamps: Timestamps::default(),
        }
    }

    /// Whether the client has received the state of the game.
    pub(super) fn has_state(&self) -> bool {
        self.ledger.is_some()
    }

    /// The number of the last event of the game, if it has arrived.
    pub(super) fn bye(&self) -> Option<u64> {
        self.bye
    }

    /// The event that is due next; 0 before the state.
    pub(super) fn next_seq(&self) -> u64 {
        self.ledger.as_ref().map_or(0, Ledger::next)
    }

    /// The interval of the game's clock.
    pub(super) fn tick(&self) -> Duration {
        self.tick
    }

    /// Whether everything up to the event `last` has arrived, and no move is pending.
    pub(super) fn is_complete(&self, last: u64) -> bool {
        self.ledger.as_ref().is_some_and(|ledger| ledger.next() > last)
            && !self.player.as_ref().is_some_and(Player::has_pending_move)
    }

    /// Checks `line`.
    ///
    /// # Errors
    /// If the connection is of no further use.
    pub(super) fn handle_line(
        &mut self,
        line: &[u8],
        context: &mut CheckContext<'_>,
    ) -> Result<(), Failure> {
        if self.welcome.is_none() {
            check_first_line(line)
                .map_err(|error| Failure::new(FailureKind::NoGame, error.to_string()))?;
        }
        let fingerprint = Fingerprint::of(line);
        if let Some(ledger) = &self.ledger
            && let Some(event) =
                context.comparison.recognize(ledger.next(), fingerprint, context.at_us)
        {
            self.handle_event(event, line, context);
            return Ok(());
        }
        match (ServerLine::parse(line), &mut self.ledger) {
            (Ok(ServerLine::Control(message)), _) => {
                self.handle_control(message, fingerprint, context)
            }
            (Ok(ServerLine::Event(event)), Some(ledger)) => {
                let summary = EventSummary::from(&event);
                let is_next = summary.seq == ledger.next();
                context.comparison.insert(event, line, context.at_us, self.client, is_next);
                self.handle_event(summary, line, context);
                Ok(())
            }
            // A later server may send it.
            (Ok(ServerLine::Unknown), Some(_)) => Ok(()),
            (Err(_), Some(ledger)) => {
                let violation = ledger.malformed();
                self.record(Some(violation), context.tally);
                Ok(())
            }
            (Err(error), None) => Err(Failure::new(FailureKind::NoGame, error.to_string())),
            (Ok(_), None) => {
                Err(Failure::new(FailureKind::NoGame, "it sent other lines before the state"))
            }
        }
    }

    /// Handles the end of the stream, after `unfinished` bytes of an incomplete line. `head` is the
    /// last event that any client has received.
    ///
    /// # Errors
    /// If the stream ended early.
    pub(super) fn connection_closed(
        &mut self,
        unfinished: usize,
        head: u64,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        if self.bye.is_some() {
            return Ok(());
        }
        self.expire_move(tally);
        if let Some((code, message)) = self.closing.take() {
            let kind = match code {
                ClosingCode::ServerFull => FailureKind::ServerFull,
                _ => FailureKind::ClosedByServer,
            };
            return Err(Failure::new(kind, format!("{code}: {message}")));
        }
        let Some(ledger) = &mut self.ledger else {
            return Err(Failure::new(FailureKind::ClosedEarly, "it closed before the state"));
        };
        let last = ledger.next() - 1;
        let cut = (unfinished > 0).then(|| ledger.malformed());
        // A stream ends with `bye` or a reason, so at least one more event is missing.
        let lost = ledger.end_short(head.max(last + 1));
        self.record(cut, tally);
        self.record(lost, tally);
        let detail = format!("it closed after event {last}, without bye or a reason");
        Err(Failure::new(FailureKind::ClosedEarly, detail))
    }

    /// Handles a failed connection: the rest of the stream is lost.
    pub(super) fn connection_failed(&mut self, head: u64, tally: &mut Tally) {
        if self.bye.is_none() && self.closing.is_none() {
            let next = self.next_seq();
            self.end_short(head.max(next), tally);
        }
    }

    /// Counts events up to `last` that have not arrived as lost by a timeout.
    pub(super) fn time_out(&mut self, last: u64, tally: &mut Tally) {
        let before = tally.counts.lost;
        self.end_short(last, tally);
        tally.lost_by_timeout += tally.counts.lost - before;
    }

    /// Counts events up to `last` that have not arrived as lost.
    fn end_short(&mut self, last: u64, tally: &mut Tally) {
        self.expire_move(tally);
        let lost = self.ledger.as_mut().and_then(|ledger| ledger.end_short(last));
        self.record(lost, tally);
    }

    /// Records what is known only when the stream has ended.
    pub(super) fn finish(&mut self, tally: &mut Tally) {
        let client = self.client;
        if let Some(ledger) = &mut self.ledger {
            ledger.missing().for_each(|violation| tally.record_violation(client, violation));
            tally.counts += ledger.take_counts();
        }
    }

    /// Counts the pending move as lost if it has timed out.
    pub(super) fn expire_late_move(&mut self, now: Instant, tally: &mut Tally) {
        let lost = self.player.as_mut().and_then(|player| player.expire_if_late(now, tally));
        self.record(lost, tally);
    }

    fn expire_move(&mut self, tally: &mut Tally) {
        let lost = self.player.as_mut().and_then(|player| player.expire(tally));
        self.record(lost, tally);
    }

    fn handle_event(&mut self, event: EventSummary, line: &[u8], context: &mut CheckContext<'_>) {
        let Some(ledger) = &mut self.ledger else { return };
        let finding = ledger.event(event.seq, || context.comparison.matches(event.seq, line));
        let counts = ledger.take_counts();
        context.tally.counts += counts;
        if let (1.., Some(player)) = (counts.lost, &mut self.player) {
            player.mark_may_be_missed();
        }
        // A resync must be followed by a state.
        let without_state = self.awaited_state.take().map(|_| ledger.malformed());
        self.record(without_state, context.tally);
        match finding {
            Finding::Wrong(violation) => self.record(Some(violation), context.tally),
            Finding::New(violation) => {
                self.record(violation, context.tally);
                self.record_event(event, context);
            }
        }
    }

    /// Measures an event that this client has not received before.
    fn record_event(&mut self, event: EventSummary, context: &mut CheckContext<'_>) {
        let is_plausible = self.timestamps.is_plausible(event.ms, context.now);
        let CheckContext { tally, now, at_us, .. } = context;
        if is_plausible {
            tally.delays.record(event.ms.saturating_mul(1000), *at_us);
        }
        let me = self.welcome.as_ref().map(|(me, _)| *me);
        match event.kind {
            SummaryKind::Clock(tick) if is_plausible => {
                let tick_ms = u64::try_from(self.tick.as_millis()).unwrap_or(u64::MAX);
                // The timestamp of a tick is the time that the tick stands for.
                if event.ms.abs_diff(tick.saturating_mul(tick_ms)) <= tick_ms {
                    tally.ticks.record(tick, tick_ms.saturating_mul(1000), *at_us);
                }
            }
            SummaryKind::Move(connection, direction)
                if me.and_then(Origin::connection_id) == Some(ConnectionId(connection)) =>
            {
                let player = self.player.as_mut();
                let violation = player.and_then(|player| player.returned(direction, *now, tally));
                self.record(violation, tally);
            }
            SummaryKind::Bye => {
                self.bye = Some(event.seq);
                if let Some(player) = &mut self.player {
                    player.cancel_pending();
                }
            }
            SummaryKind::Clock(_) | SummaryKind::Move(..) | SummaryKind::Other => {}
        }
    }

    /// Moves the counts of the ledger to `tally`, and records `violation`.
    fn record(&mut self, violation: Option<Violation>, tally: &mut Tally) {
        if let Some(ledger) = &mut self.ledger {
            tally.counts += ledger.take_counts();
        }
        if let Some(violation) = violation {
            tally.record_violation(self.client, violation);
        }
    }
}

use std::time::Duration;

use tokio::time::Instant;
use tribune_protocol::{
    ClosingCode, ConnectionId, ControlMessage, Origin, ServerLine, State, Welcome, check_first_line,
};

use super::player::Player;
use crate::{
    failure::{Failure, FailureKind},
    measure::{Comparison, Finding, Kind, Ledger, LinePrint, Offence, Summary, Tally},
};

/// A server may stamp an event so much later than the one before, beyond the time that has passed:
/// it was stuck meanwhile, or what it sent was.
const LEAP_MS: u64 = 60_000;

/// A member's place in a game: what it knows, and what it makes of the next line.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    sat_down: Instant,
    /// What it is called, and the event that its state is to be of: what `welcome` says.
    welcome: Option<(Origin, u64)>,
    tick: Duration,
    /// What it checks the stream against, once it knows the state.
    ledger: Option<Ledger>,
    /// The event whose state is to follow a `resync`.
    awaited_state: Option<u64>,
    pub(super) player: Option<Player>,
    closing: Option<(ClosingCode, String)>,
    /// The number of `bye`.
    bye: Option<u64>,
    has_been_refused: bool,
    /// The last stamp, and when it came.
    stamp: Option<(u64, Instant)>,
}

/// What surrounds a member when it reads a line.
pub(super) struct Surroundings<'a> {
    /// What others got.
    pub(super) comparison: &'a Comparison,
    /// Where everything is counted.
    pub(super) tally: &'a mut Tally,
    /// When the line came.
    pub(super) now: Instant,
    /// The same, in microseconds since the run began.
    pub(super) at_us: u64,
}

impl Seat {
    /// The seat of the member `number`, which began to connect at `sat_down`.
    pub(super) fn new(number: u64, sat_down: Instant, player: Option<Player>) -> Self {
        Self {
            number,
            sat_down,
            welcome: None,
            tick: Duration::ZERO,
            ledger: None,
            awaited_state: None,
            player,
            closing: None,
            bye: None,
            has_been_refused: false,
            stamp: None,
        }
    }

    /// Whether it knows the state of the game.
    pub(super) fn has_joined(&self) -> bool {
        self.ledger.is_some()
    }

    /// The number of the last event of the game, if it has that.
    pub(super) fn bye(&self) -> Option<u64> {
        self.bye
    }

    /// How far it has come: it grows with each event.
    pub(super) fn progress(&self) -> u64 {
        self.ledger.as_ref().map_or(0, Ledger::next)
    }

    /// How long the game's clock takes from tick to tick.
    pub(super) fn tick(&self) -> Duration {
        self.tick
    }

    /// Whether it has everything up to the event `last`, and nothing of its own is under way.
    pub(super) fn is_complete(&self, last: u64) -> bool {
        self.ledger.as_ref().is_some_and(|ledger| ledger.next() > last)
            && !self.player.as_ref().is_some_and(Player::is_waiting)
    }

    /// Takes in `line`.
    ///
    /// # Errors
    /// If there is nothing to be expected of this server any more.
    pub(super) fn hear(
        &mut self,
        line: &[u8],
        around: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        if self.welcome.is_none() {
            check_first_line(line)
                .map_err(|error| Failure::new(FailureKind::NoGame, error.to_string()))?;
        }
        let print = LinePrint::of(line);
        if let Some(ledger) = &self.ledger
            && let Some(event) = around.comparison.recognise(ledger.next(), print, around.at_us)
        {
            self.take_in(event, line, around);
            return Ok(());
        }
        match (ServerLine::parse(line), &mut self.ledger) {
            (Ok(ServerLine::Control(notice)), _) => self.heed(notice, around),
            (Ok(ServerLine::Event(event)), Some(ledger)) => {
                let event = Summary::from(&event);
                let is_next = event.seq == ledger.next();
                around.comparison.meet(event, line, around.at_us, self.number, is_next);
                self.take_in(event, line, around);
                Ok(())
            }
            (_, Some(ledger)) => {
                let offence = ledger.malformed();
                self.blame(Some(offence), around.tally);
                Ok(())
            }
            (Err(error), None) => Err(Failure::new(FailureKind::NoGame, error.to_string())),
            (Ok(_), None) => {
                Err(Failure::new(FailureKind::NoGame, "it sends events before the state"))
            }
        }
    }

    /// Takes in that nothing more will come, with `unfinished` bytes of a line.
    ///
    /// # Errors
    /// If that is too early.
    pub(super) fn close(
        &mut self,
        unfinished: usize,
        head: u64,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        if self.bye.is_some() {
            return Ok(());
        }
        self.give_up_move(tally);
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
        // A stream ends with `bye`, or says why not: there was one event more at least.
        let lost = ledger.end_short(head.max(last + 1));
        self.blame(cut, tally);
        self.blame(lost, tally);
        let detail = format!("it closed after event {last}, without bye or a reason");
        Err(Failure::new(FailureKind::ClosedEarly, detail))
    }

    /// Takes in that the connection broke: the end of the stream is lost.
    pub(super) fn break_off(&mut self, head: u64, tally: &mut Tally) {
        if self.bye.is_none() && self.closing.is_none() {
            let next = self.progress();
            self.give_up(head.max(next), tally);
        }
    }

    /// Takes in that what is missing up to the event `last` has not come in time.
    pub(super) fn give_up_overdue(&mut self, last: u64, tally: &mut Tally) {
        let before = tally.counts.lost;
        self.give_up(last, tally);
        tally.overdue += tally.counts.lost - before;
    }

    /// Takes in that what is missing up to the event `last` will not come any more.
    fn give_up(&mut self, last: u64, tally: &mut Tally) {
        self.give_up_move(tally);
        let lost = self.ledger.as_mut().and_then(|ledger| ledger.end_short(last));
        self.blame(lost, tally);
    }

    /// Adds to `tally` what is known only now that all is over.
    pub(super) fn leave(&mut self, tally: &mut Tally) {
        let number = self.number;
        if let Some(ledger) = &mut self.ledger {
            ledger.missing().for_each(|offence| tally.name(number, offence));
            tally.counts += ledger.take_counts();
        }
    }

    /// Gives up a move that has been under way for too long.
    pub(super) fn give_up_late_move(&mut self, now: Instant, tally: &mut Tally) {
        let lost = self.player.as_mut().and_then(|player| player.give_up_late(now, tally));
        self.blame(lost, tally);
    }

    fn give_up_move(&mut self, tally: &mut Tally) {
        let lost = self.player.as_mut().and_then(|player| player.give_up(tally));
        self.blame(lost, tally);
    }

    fn take_in(&mut self, event: Summary, line: &[u8], around: &mut Surroundings<'_>) {
        let Some(ledger) = &mut self.ledger else { return };
        let finding = ledger.event(event.seq, || around.comparison.may_be(event.seq, line));
        let counts = ledger.take_counts();
        around.tally.counts += counts;
        if let (1.., Some(player)) = (counts.lost, &mut self.player) {
            player.excuse();
        }
        // A resync is to be followed by the state.
        let without_state = self.awaited_state.take().map(|_| ledger.malformed());
        self.blame(without_state, around.tally);
        match finding {
            Finding::Wrong(offence) => self.blame(Some(offence), around.tally),
            Finding::New(offence) => {
                self.blame(offence, around.tally);
                self.live_through(event, around);
            }
        }
    }

    fn live_through(&mut self, event: Summary, around: &mut Surroundings<'_>) {
        let is_plausible = self.is_plausible(event.ms, around.now);
        let Surroundings { tally, now, at_us, .. } = around;
        if is_plausible {
            tally.delays.record(event.ms.saturating_mul(1000), *at_us);
        }
        let me = self.welcome.as_ref().map(|(me, _)| *me);
        match event.kind {
            Kind::Clock(tick) if is_plausible => {
                let tick_ms = u64::try_from(self.tick.as_millis()).unwrap_or(u64::MAX);
                // A tick is stamped with the time it stands for.
                if event.ms.abs_diff(tick.saturating_mul(tick_ms)) <= tick_ms {
                    tally.ticks.record(tick, tick_ms.saturating_mul(1000), *at_us);
                }
            }
            Kind::Move(connection, direction)
                if me == Some(Origin::Connection(ConnectionId(connection))) =>
            {
                let player = self.player.as_mut();
                let offence = player.and_then(|player| player.came_back(direction, *now, tally));
                self.blame(offence, tally);
            }
            Kind::Bye => {
                self.bye = Some(event.seq);
                if let Some(player) = &mut self.player {
                    player.withdraw();
                }
            }
            Kind::Clock(_) | Kind::Move(..) | Kind::Other => {}
        }
    }

    /// Whether an event that came at `now` can have been stamped `ms`, after the one before: time
    /// does not run backwards, nor much faster than here. One wrong stamp would spoil all others.
    fn is_plausible(&mut self, ms: u64, now: Instant) -> bool {
        let (before, at) = *self.stamp.get_or_insert((ms, now));
        let passed = u64::try_from((now - at).as_millis()).unwrap_or(u64::MAX);
        let is_plausible = ms >= before && ms - before <= passed.saturating_mul(2) + LEAP_MS;
        if is_plausible {
            self.stamp = Some((ms, now));
        }
        is_plausible
    }

    fn heed(
        &mut self,
        notice: ControlMessage,
        around: &mut Surroundings<'_>,
    ) -> Result<(), Failure> {
        match notice {
            ControlMessage::Welcome(welcome) if self.welcome.is_none() => {
                return self.greet(&welcome, around.comparison);
            }
            ControlMessage::State(state) => return self.know(&state, around),
            ControlMessage::Resync { missed, seq } => {
                if let Some(ledger) = &mut self.ledger {
                    let offence = ledger.resync(missed, seq.0);
                    around.tally.counts += ledger.take_counts();
                    self.awaited_state = Some(seq.0);
                    if let Some(player) = &mut self.player {
                        player.withdraw();
                    }
                    self.blame(offence, around.tally);
                }
            }
            ControlMessage::Error { code, message } => {
                let Some(player) = &mut self.player else {
                    return self.complain(around.tally);
                };
                player.was_refused(around.tally);
                // Once for each member, so that errors are never more than jobs.
                if !std::mem::replace(&mut self.has_been_refused, true) {
                    let detail = format!("{code}: {message}");
                    let refusal = Failure::new(FailureKind::MoveRefused, detail);
                    around.tally.failures.add(self.number, &refusal);
                }
            }
            ControlMessage::Closing { code, message } => self.closing = Some((code, message)),
            // Nobody has asked for these.
            ControlMessage::Pong { .. }
            | ControlMessage::Resumed { .. }
            | ControlMessage::Welcome(_)
            | ControlMessage::Unknown => {
                return self.complain(around.tally);
            }
        }
        Ok(())
    }

    /// Notes that a line came that has no place there.
    fn complain(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let Some(ledger) = &mut self.ledger else {
            return Err(Failure::new(
                FailureKind::NoGame,
                "it does not begin with welcome and state",
            ));
        };
        let offence = ledger.malformed();
        self.blame(Some(offence), tally);
        Ok(())
    }

    fn greet(&mut self, welcome: &Welcome, comparison: &Comparison) -> Result<(), Failure> {
        if !comparison.is_same_game(&welcome.game) {
            let detail = format!("game {} is not the one that others play", welcome.game);
            return Err(Failure::new(FailureKind::AnotherGame, detail));
        }
        self.welcome = Some((welcome.you, welcome.seq.0));
        self.tick = Duration::from_millis(welcome.tick_ms);
        Ok(())
    }

    fn know(&mut self, state: &State, around: &mut Surroundings<'_>) -> Result<(), Failure> {
        let seq = state.seq.0;
        if self.ledger.is_some() {
            let is_awaited = self.awaited_state.take() == Some(seq);
            return if is_awaited { Ok(()) } else { self.complain(around.tally) };
        }
        if self.welcome.is_none_or(|(_, announced)| announced != seq) {
            return self.complain(around.tally);
        }
        self.ledger = Some(Ledger::new(seq));
        around.tally.joined += 1;
        around.tally.join.record(around.now - self.sat_down);
        Ok(())
    }

    fn blame(&mut self, offence: Option<Offence>, tally: &mut Tally) {
        if let Some(ledger) = &mut self.ledger {
            tally.counts += ledger.take_counts();
        }
        if let Some(offence) = offence {
            tally.name(self.number, offence);
        }
    }
}

#[cfg(test)]
mod tests;

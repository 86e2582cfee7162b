use std::time::Duration;

use tokio::time::Instant;
use tribune_protocol::{
    ClosingCode, ConnectionId, Notice, Origin, PROTOCOL_VERSION, ServerLine, State, Welcome,
};

use super::player::Player;
use crate::herd::{
    failure::{Failure, FailureKind},
    measure::{Comparison, Finding, Kind, Ledger, LinePrint, Offence, Summary, Tally},
};

/// A member's place in a game: what it knows, and what it makes of the next line.
#[derive(Debug)]
pub(super) struct Seat {
    number: u64,
    sat_down: Instant,
    me: Option<ConnectionId>,
    tick: Duration,
    /// What it checks the stream against, once it knows the state.
    ledger: Option<Ledger>,
    /// The event whose state is to follow a `resync`.
    awaited_state: Option<u64>,
    pub(super) player: Option<Player>,
    closing: Option<(ClosingCode, String)>,
    has_seen_bye: bool,
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
            me: None,
            tick: Duration::ZERO,
            ledger: None,
            awaited_state: None,
            player,
            closing: None,
            has_seen_bye: false,
        }
    }

    /// Whether it knows the state of the game.
    pub(super) fn has_joined(&self) -> bool {
        self.ledger.is_some()
    }

    /// Whether the game is over.
    pub(super) fn has_seen_bye(&self) -> bool {
        self.has_seen_bye
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
        let print = LinePrint::of(line);
        if let Some(ledger) = &self.ledger
            && let Some(event) = around.comparison.recognise(ledger.next(), print, around.at_us)
        {
            self.take_in(event, print, around);
            return Ok(());
        }
        match (ServerLine::parse(line), &mut self.ledger) {
            (Ok(ServerLine::Notice(notice)), _) => self.heed(notice, around),
            (Ok(ServerLine::Event(event)), Some(ledger)) => {
                let event = Summary::from(&event);
                if event.seq == ledger.next() {
                    around.comparison.meet(event, print, around.at_us, self.number);
                }
                self.take_in(event, print, around);
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
        if self.has_seen_bye {
            return Ok(());
        }
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

    /// Takes in that what is missing up to the event `last` will not come any more.
    pub(super) fn give_up(&mut self, last: u64, tally: &mut Tally) {
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
    pub(super) fn give_up_move(&mut self, now: Instant, tally: &mut Tally) {
        let lost = self.player.as_mut().and_then(|player| player.give_up(now, tally));
        self.blame(lost, tally);
    }

    fn take_in(&mut self, event: Summary, print: LinePrint, around: &mut Surroundings<'_>) {
        let Some(ledger) = &mut self.ledger else { return };
        let finding = ledger.event(event.seq, || around.comparison.may_be(event.seq, print));
        around.tally.counts += ledger.take_counts();
        match finding {
            Finding::Wrong(offence) => self.blame(Some(offence), around.tally),
            Finding::New(offence) => {
                self.blame(offence, around.tally);
                self.live_through(event, around);
            }
        }
    }

    fn live_through(&mut self, event: Summary, around: &mut Surroundings<'_>) {
        let Surroundings { tally, now, at_us, .. } = around;
        tally.delays.record(event.ms.saturating_mul(1000), *at_us);
        match event.kind {
            Kind::Clock(tick) => {
                let tick_us = u64::try_from(self.tick.as_micros()).unwrap_or(u64::MAX);
                tally.ticks.record(tick, tick_us, *at_us);
            }
            Kind::Move(connection, direction) if self.me == Some(ConnectionId(connection)) => {
                let player = self.player.as_mut();
                let offence = player.and_then(|player| player.came_back(direction, *now, tally));
                self.blame(offence, tally);
            }
            Kind::Bye => self.has_seen_bye = true,
            Kind::Move(..) | Kind::Other => {}
        }
    }

    fn heed(&mut self, notice: Notice, around: &mut Surroundings<'_>) -> Result<(), Failure> {
        match notice {
            Notice::Welcome(welcome) => return self.greet(&welcome, around.comparison),
            Notice::State(state) => self.know(&state, around),
            Notice::Resync { missed, seq } => {
                if let Some(ledger) = &mut self.ledger {
                    let offence = ledger.resync(missed, seq.0);
                    around.tally.counts += ledger.take_counts();
                    self.awaited_state = Some(seq.0);
                    self.blame(offence, around.tally);
                }
            }
            Notice::Error { code, message } => {
                if let Some(player) = &mut self.player {
                    player.was_refused(around.tally);
                }
                let refusal = Failure::new(FailureKind::MoveRefused, format!("{code}: {message}"));
                around.tally.failures.add(self.number, &refusal);
            }
            Notice::Closing { code, message } => self.closing = Some((code, message)),
            Notice::Pong { .. } | Notice::Resumed { .. } => {}
        }
        Ok(())
    }

    fn greet(&mut self, welcome: &Welcome, comparison: &Comparison) -> Result<(), Failure> {
        if welcome.protocol != PROTOCOL_VERSION {
            let detail = format!("it speaks version {}, not {PROTOCOL_VERSION}", welcome.protocol);
            return Err(Failure::new(FailureKind::NoGame, detail));
        }
        if !comparison.is_same_game(&welcome.game) {
            let detail = format!("game {} is not the one that others play", welcome.game);
            return Err(Failure::new(FailureKind::AnotherGame, detail));
        }
        if let Origin::Connection(me) = welcome.you {
            self.me = Some(me);
        }
        self.tick = Duration::from_millis(welcome.tick_ms);
        Ok(())
    }

    fn know(&mut self, state: &State, around: &mut Surroundings<'_>) {
        let is_awaited = self.awaited_state.take().is_some_and(|seq| seq == state.seq.0);
        if let Some(ledger) = &mut self.ledger {
            let offence = (!is_awaited).then(|| ledger.malformed());
            self.blame(offence, around.tally);
            return;
        }
        self.ledger = Some(Ledger::new(state.seq.0));
        around.tally.joined += 1;
        around.tally.join.record(around.now - self.sat_down);
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
mod tests {
    use super::*;
    use crate::herd::measure::Counts;

    /// A member that hears `lines`, and then the end if it `closes`.
    fn heard(lines: &[&str], closes: bool) -> (Result<(), Failure>, Counts, Tally) {
        let (comparison, mut tally) = (Comparison::default(), Tally::default());
        let now = Instant::now();
        let mut seat = Seat::new(1, now, None);
        let mut outcome = Ok(());
        for line in lines {
            let mut around =
                Surroundings { comparison: &comparison, tally: &mut tally, now, at_us: 5000 };
            outcome = outcome.and_then(|()| seat.hear(line.as_bytes(), &mut around));
        }
        if closes {
            outcome = outcome.and_then(|()| seat.close(0, comparison.head(), &mut tally));
        }
        seat.leave(&mut tally);
        (outcome, tally.counts, tally)
    }

    const WELCOME: &str = r#"{"type":"welcome","protocol":1,"game":"g","server":"0","you":"tcp#7","seq":4,"oldest":1,"tick_ms":1000}"#;
    const STATE: &str = r#"{"type":"state","seq":4,"ms":0,"clock":0,"board":{"width":1,"height":1},"players":[],"workers":[]}"#;
    const FIVE: &str = r#"{"type":"clock","seq":5,"ms":1000,"clock":1}"#;
    const SIX: &str = r#"{"type":"clock","seq":6,"ms":2000,"clock":2}"#;
    const BYE: &str = r#"{"type":"bye","seq":7,"ms":2500,"reason":"done"}"#;

    fn faults(counts: &Counts) -> i64 {
        counts.lost + counts.duplicated + counts.out_of_order + counts.malformed
    }

    fn kind(outcome: Result<(), Failure>) -> Option<FailureKind> {
        outcome.err().map(|failure| failure.kind)
    }

    #[test]
    fn a_stream_as_it_should_be_has_no_fault() {
        let (outcome, counts, tally) = heard(&[WELCOME, STATE, FIVE, SIX, BYE], true);
        assert_eq!((kind(outcome), faults(&counts), counts.received), (None, 0, 3));
        assert_eq!((tally.joined, tally.ticks.quality().count), (1, 2));
    }

    #[test]
    fn who_is_closed_without_a_word_has_lost_something() {
        let (outcome, counts, _) = heard(&[WELCOME, STATE, FIVE], true);
        assert_eq!((kind(outcome), counts.lost), (Some(FailureKind::ClosedEarly), 1));
        let closing = r#"{"type":"closing","code":"slow_client","message":"too slow"}"#;
        let (outcome, counts, _) = heard(&[WELCOME, STATE, FIVE, closing], true);
        assert_eq!((kind(outcome), counts.lost), (Some(FailureKind::ClosedByServer), 0));
        let full = r#"{"type":"closing","code":"server_full","message":"later"}"#;
        assert_eq!(kind(heard(&[full], true).0), Some(FailureKind::ServerFull));
        assert_eq!(kind(heard(&[WELCOME], true).0), Some(FailureKind::ClosedEarly));
    }

    #[test]
    fn a_resync_with_its_state_is_told_and_no_fault() {
        let resync = r#"{"type":"resync","missed":2,"seq":6}"#;
        let state = STATE.replace("\"seq\":4", "\"seq\":6");
        let (outcome, counts, _) = heard(&[WELCOME, STATE, resync, &state, BYE], true);
        assert_eq!((kind(outcome), counts.told, faults(&counts)), (None, 2, 0));
        let (_, counts, _) = heard(&[WELCOME, STATE, resync, STATE, BYE], true);
        assert_eq!(counts.malformed, 1, "that is the state of another moment");
    }

    #[test]
    fn what_is_no_game_is_noticed_at_once() {
        for line in ["HTTP/1.1 400 Bad Request", FIVE, &WELCOME.replace(":1,", ":2,")] {
            assert_eq!(kind(heard(&[line], false).0), Some(FailureKind::NoGame), "{line}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_malformed_and_not_lost() {
        let garbled = FIVE.replace("clock", "cl\u{1}ck");
        let (_, counts, _) = heard(&[WELCOME, STATE, &garbled, SIX, BYE], true);
        assert_eq!((counts.malformed, counts.lost, counts.expected), (1, 0, 3));
        let (_, counts, _) = heard(&[WELCOME, STATE, "", FIVE], false);
        assert_eq!((counts.malformed, counts.lost), (1, 0));
    }
}

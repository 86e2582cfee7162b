//! Lines that are meant for this client alone.

use std::{mem, time::Duration};

use tribune_protocol::{ControlMessage, ErrorCode, Seq, State, Welcome};

use super::{CheckContext, StreamChecker};
use crate::{
    failure::{Failure, FailureKind},
    measure::{Fingerprint, Ledger, StreamComparison, Tally},
};

impl StreamChecker {
    /// Handles `message`, from the line with this `fingerprint`.
    pub(super) fn handle_control(
        &mut self,
        message: ControlMessage,
        fingerprint: Fingerprint,
        context: &mut CheckContext<'_>,
    ) -> Result<(), Failure> {
        match message {
            ControlMessage::Welcome(welcome) if self.welcome.is_none() => {
                self.handle_welcome(&welcome, context.comparison)
            }
            ControlMessage::State(state) => self.handle_state(&state, fingerprint, context),
            ControlMessage::Resync { missed, seq } => {
                self.handle_resync(missed, seq, context.tally);
                Ok(())
            }
            ControlMessage::Error { code, message } => {
                self.handle_error(code, &message, context.tally)
            }
            ControlMessage::Closing { code, message } => {
                self.closing = Some((code, message));
                Ok(())
            }
            // A later server may send it.
            ControlMessage::Unknown => Ok(()),
            // Replies to requests that no client of the herd sends, and a second welcome.
            ControlMessage::Pong { .. }
            | ControlMessage::Resumed { .. }
            | ControlMessage::Welcome(_) => self.reject_line(context.tally),
        }
    }

    fn handle_welcome(
        &mut self,
        welcome: &Welcome,
        comparison: &StreamComparison,
    ) -> Result<(), Failure> {
        if !comparison.is_same_game(&welcome.game) {
            let detail = format!("other clients are in another game than {}", welcome.game);
            return Err(Failure::new(FailureKind::AnotherGame, detail));
        }
        self.welcome = Some((welcome.you, welcome.seq.0));
        self.tick = Duration::from_millis(welcome.tick_ms);
        Ok(())
    }

    fn handle_state(
        &mut self,
        state: &State,
        fingerprint: Fingerprint,
        context: &mut CheckContext<'_>,
    ) -> Result<(), Failure> {
        let seq = state.seq.0;
        let is_expected = match self.ledger {
            Some(_) => self.awaited_state.take() == Some(seq),
            None => self.welcome.is_some_and(|(_, announced)| announced == seq),
        };
        if !is_expected {
            return self.reject_line(context.tally);
        }
        context.comparison.check_state(self.client, state, fingerprint);
        if self.ledger.is_none() {
            self.ledger = Some(Ledger::new(seq));
            context.tally.connected += 1;
            context.tally.join.record(context.now - self.connecting_since);
        }
        Ok(())
    }

    fn handle_resync(&mut self, missed: u64, seq: Seq, tally: &mut Tally) {
        let Some(ledger) = &mut self.ledger else { return };
        let violation = ledger.resync(missed, seq.0);
        tally.counts += ledger.take_counts();
        self.awaited_state = Some(seq.0);
        if let Some(player) = &mut self.player {
            player.cancel_pending();
        }
        self.record(violation, tally);
    }

    fn handle_error(
        &mut self,
        code: ErrorCode,
        message: &str,
        tally: &mut Tally,
    ) -> Result<(), Failure> {
        let Some(player) = &mut self.player else {
            return self.reject_line(tally);
        };
        player.refused(tally);
        // The rules of a game may refuse a move, such as one that turns a snake back.
        if code == ErrorCode::BadAction {
            return Ok(());
        }
        // Once for each client, so that there are never more errors than jobs.
        if !mem::replace(&mut self.had_refusal, true) {
            let failure = Failure::new(FailureKind::MoveRefused, format!("{code}: {message}"));
            tally.failures.add(self.client, &failure);
        }
        Ok(())
    }

    /// Records a line that is not allowed where it came.
    fn reject_line(&mut self, tally: &mut Tally) -> Result<(), Failure> {
        let Some(ledger) = &mut self.ledger else {
            let detail = "it did not start with welcome and state";
            return Err(Failure::new(FailureKind::NoGame, detail));
        };
        let violation = ledger.malformed();
        self.record(Some(violation), tally);
        Ok(())
    }
}

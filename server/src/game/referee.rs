//! A game with a referee: the game requests turns, and the lines of the referee are their outcomes.

use std::{sync::Arc, time::Duration};

use tribune_protocol::{CellContent, Exit, Line};

use super::{Game, GameConfig, players::Player};
use crate::{
    rules::{Fault, FaultReason, Referee, TurnOutcome},
    schedule::Program,
};

impl Game {
    /// A game that begins now, at 0, and that `referee` decides, which has played the first turn. It is
    /// `program`, and was started with this command.
    pub fn with_referee(
        config: GameConfig,
        referee: Referee,
        program: Arc<Program>,
        command: Vec<String>,
    ) -> Self {
        let mut game = Self::with_rules(config, Box::new(referee));
        game.programs.add_referee(program);
        game.referee_command = Some(command);
        game
    }

    /// The lines that are to be written to the referee.
    pub fn take_referee_input(&mut self) -> String {
        self.rules.referee().map(Referee::take_input).unwrap_or_default()
    }

    /// Notes that the referee does not read its input, of which so many bytes are waiting.
    pub fn referee_is_not_reading(&mut self, bytes: usize) {
        self.end_of_referee(FaultReason::NotReading(bytes));
        self.end_if_finished();
    }

    /// When the outcome is due of the turn that is being played.
    pub(super) fn outcome_due(&self) -> Option<Duration> {
        self.turns.outcome_due().filter(|_| !self.is_stopping())
    }

    /// The outcome has not come in time.
    pub(super) fn outcome_is_late(&mut self) {
        if !self.turns.extend(self.now) {
            let (turn, limit) = (self.turns.last(), self.turns.outcome_limit());
            self.end_of_referee(FaultReason::NoAnswer { turn, limit });
        }
    }

    pub(super) fn referee_printed(&mut self, lines: &[Line]) {
        for line in lines {
            if self.is_stopping() {
                return;
            }
            match self.rules.referee().map(|referee| referee.receive(line)) {
                Some(Ok(Some(outcome))) => {
                    let outcome = self.without_repetitions(outcome);
                    self.finish_turn(outcome, true);
                    self.close_complete_turns();
                }
                Some(Err(fault)) => self.fail(fault),
                Some(Ok(None)) | None => {}
            }
        }
    }

    /// `outcome` without values that have not changed: a referee may print them again.
    fn without_repetitions(&self, mut outcome: TurnOutcome) -> TurnOutcome {
        outcome.cells.retain(|&CellContent { x, y, glyph, player }| {
            self.cells.get(x, y) != glyph.map(|glyph| (glyph, player))
        });
        let player = |id| self.players.get(id);
        outcome.scores.retain(|&(id, score)| player(id).is_some_and(|known| known.score != score));
        outcome.out.retain(|&(id, _)| player(id).is_some_and(Player::is_alive));
        outcome
    }

    pub(super) fn referee_exited(&mut self, exit: Exit) {
        self.end_of_referee(FaultReason::Exited(exit));
    }

    /// Nothing more is expected from the referee, for this `reason`. That is a failure, unless the referee
    /// has ended the game.
    fn end_of_referee(&mut self, reason: FaultReason) {
        if self.is_stopping() {
            return;
        }
        let Some(referee) = self.rules.referee() else { return };
        match referee.close(reason) {
            Ok(outcome) => {
                if !self.turns.is_pending() {
                    self.turns.close(self.now, usize::MAX);
                }
                self.finish_turn(outcome, true);
            }
            Err(fault) => self.fail(fault),
        }
    }

    /// Ends the game because of `fault`. The round has no result.
    fn fail(&mut self, fault: Fault) {
        let Some(referee) = self.rules.referee() else { return };
        let failure = referee.failure(fault);
        let reason = failure.to_string();
        self.failure = Some(failure);
        self.abandon_round();
        self.stop(reason);
    }
}

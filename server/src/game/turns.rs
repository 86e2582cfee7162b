//! How turns are played.

use tribune_protocol::{EventKind, Turn};

use super::Game;
use crate::rules::{RoundResult, TurnOutcome};

impl Game {
    /// Whether the rules have turns that change something.
    pub(super) fn has_turns(&self) -> bool {
        self.rules.has_turns()
    }

    /// Whether turns are played: in a game whose turns change nothing only if something depends on them.
    pub(super) fn plays_turns(&self) -> bool {
        self.has_turns() || self.turns.are_lockstep() || self.ends.turns.is_some()
    }

    /// Closes the open turn and plays it.
    pub(super) fn close_turn(&mut self) {
        let Some(number) = self.turns.close(self.now, self.players.count()) else { return };
        if self.turns.are_lockstep() {
            for id in self.turns.missing().collect::<Vec<_>>() {
                if let Some((_, player)) = self.players.get_mut(id) {
                    player.answers.miss();
                }
            }
            self.carry_out_held_actions();
        }
        if let Some(outcome) = self.rules.turn(number) {
            self.finish_turn(outcome, false);
        }
    }

    /// Closes turns in lockstep for which all players have acted.
    pub(super) fn close_complete_turns(&mut self) {
        if !self.is_stopping() && self.turns.is_complete(self.players.count()) {
            self.close_turn();
        }
    }

    /// Applies the outcome of the turn that was closed last, and opens the next one. `was_late` is whether
    /// the outcome came later than the turn closed.
    pub(super) fn finish_turn(&mut self, outcome: TurnOutcome, was_late: bool) {
        let TurnOutcome { cells, scores, out, notes, result, end } = outcome;
        let turn = Turn { turn: self.turns.last(), cells, scores, out, notes };
        if !turn.is_empty() {
            self.apply_turn(&turn);
            self.emit(EventKind::Turn(turn));
        }
        let was_last = self.rounds.count_turn();
        if let Some(result) = result.or(was_last.then_some(RoundResult::ByScore)) {
            self.end_round(&result, end.is_none());
        }
        if let Some(reason) = end {
            self.stop(reason);
        }
        let expected = self.players.iter().filter(|player| player.is_expected());
        self.turns.open_next(self.now, was_late, expected.map(|player| player.id));
        // These have joined while the outcome was waited for.
        for player in self.players.iter().filter(|player| player.answers.is_held()) {
            self.turns.acted(player.id);
        }
    }

    fn apply_turn(&mut self, turn: &Turn) {
        self.last_turn = turn.turn;
        for &content in &turn.cells {
            self.cells.set(content);
        }
        for &(id, score) in &turn.scores {
            if let Some((_, player)) = self.players.get_mut(id) {
                player.score = score;
            }
        }
        for (id, _) in &turn.out {
            if let Some((_, player)) = self.players.get_mut(*id) {
                player.out_since = Some(self.now);
            }
        }
    }
}

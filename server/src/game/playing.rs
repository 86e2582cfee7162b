//! How turns are played, and how rounds begin and end.

use tribune_protocol::{EventKind, Turn};

use super::{Game, REFEREE, standings::ranking};
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

    /// Begins the first round, if the game has rounds.
    pub(super) fn begin(&mut self) {
        if let Some(command) = self.referee_command.take() {
            self.program_started(REFEREE, command);
        }
        if self.has_turns() || self.ends.is_any() {
            self.begin_round();
        }
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
        let alive = self.players.iter().filter(|player| player.is_alive());
        self.turns.open_next(self.now, was_late, alive.map(|player| player.id));
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

    fn begin_round(&mut self) {
        let (round, seed) = self.rounds.begin();
        self.emit(EventKind::Round { round, seed });
        self.cells.clear();
        for player in self.players.iter_mut() {
            player.score = 0;
            player.earlier_moves = player.moves;
            // A line for the turn that has just closed can still come, and does not count in this round.
            if player.out_since.take().is_some_and(|since| since < self.now) {
                player.answers.reset();
            }
        }
        self.rules.begin_round(seed);
        for id in self.players.ids() {
            if let Some((from, player)) = self.players.get_mut(id) {
                // Clients get the new cell when the rules draw it.
                self.rules.enter(id, from, &player.name);
            }
        }
    }

    /// Ends the round with this result, and begins the next one if the game `goes_on` and it was not the
    /// last.
    fn end_round(&mut self, result: &RoundResult, goes_on: bool) {
        let was_last = self.rounds.end();
        self.emit_result(result);
        if !goes_on {
            return;
        }
        if was_last {
            let rounds = self.rounds.round();
            let plural = if rounds == 1 { "" } else { "s" };
            self.stop(format!("{rounds} round{plural} played"));
        } else if !self.is_stopping() {
            self.begin_round();
        }
    }

    /// Ends the round that is played, if there is one, without a result.
    pub(super) fn abandon_round(&mut self) {
        self.rounds.end();
    }

    /// Ends the round that is played, if there is one, because the game ends.
    pub(super) fn end_last_round(&mut self) {
        if self.rounds.is_open() {
            self.rounds.end();
            self.emit_result(&RoundResult::ByScore);
        }
    }

    fn emit_result(&mut self, result: &RoundResult) {
        let players = if self.has_turns() {
            self.players.states_with_scores()
        } else {
            self.players.states_with_moves_as_scores()
        };
        let ranking = ranking(result, &players);
        if !ranking.is_empty() {
            self.emit(EventKind::Result { round: self.rounds.round(), ranking });
        }
    }
}

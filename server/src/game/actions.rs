//! Actions of players: carried out at once by the clock, and when the turn closes in lockstep.

use std::time::Duration;

use tribune_protocol::{
    Action, ErrorCode, EventKind, Name, Origin, PlayerAction, PlayerId, Refusal,
};

use super::{Effect, Game, answers::AnswerError, players::Player};
use crate::rules::{Cell, Rules};

impl Game {
    /// Handles an action of `from`, whose player joins with its first one.
    pub(super) fn act(&mut self, from: Origin, act: PlayerAction) {
        // The result of the last round was told.
        if self.rounds.round() > 0 && self.is_stopping() {
            return;
        }
        let PlayerAction { action, name } = act;
        let (player, is_new) = self.players.find_or_join(from, &name, &mut *self.rules);
        let (id, entry) = (player.id, player.cell);
        let result = if let Some(refusal) = refusal_while_out(player, self.now, self.respawn) {
            player.answers.count_line_between_turns();
            Err(refusal)
        } else if self.turns.are_lockstep() {
            // A player that joins while a turn is being played is not late for it.
            let is_late = self.turns.is_pending() && !is_new && !player.answers.is_held();
            hold(player, &action, is_late, self.turns.open()).map(|()| None)
        } else {
            take(player, &action, &mut *self.rules).map(Some)
        };
        if is_new {
            let Cell { x, y } = entry;
            self.emit(EventKind::Joined { player: id, name: name.clone(), from, x, y });
        }
        match result {
            Ok(Some(cell)) => self.emit_action(from, id, name, action, cell),
            Ok(None) => {
                self.turns.acted(id);
                self.close_complete_turns();
            }
            Err(refusal) => self.outbox.effects.push(Effect::Refuse(from, refusal)),
        }
    }

    /// Carries out the actions that were held in lockstep, in the order of their players: so it does not
    /// matter in which order they have arrived.
    pub(super) fn carry_out_held_actions(&mut self) {
        for id in self.players.ids() {
            let Some((from, player)) = self.players.get_mut(id) else { continue };
            let Some(action) = player.answers.take() else { continue };
            let name = player.name.clone();
            // A player that has joined while a turn was played can be out since that turn.
            let result = match refusal_while_out(player, self.now, self.respawn) {
                Some(refusal) => Err(refusal),
                None => take(player, &action, &mut *self.rules),
            };
            match result {
                Ok(cell) => self.emit_action(from, id, name, action, cell),
                Err(refusal) => self.outbox.effects.push(Effect::Refuse(from, refusal)),
            }
        }
    }

    fn emit_action(&mut self, from: Origin, id: PlayerId, name: Name, action: Action, cell: Cell) {
        let Cell { x, y } = cell;
        self.emit(match action {
            Action::Move(direction) => EventKind::Move { player: id, name, from, direction, x, y },
            Action::Other(action) => EventKind::Action { player: id, name, from, action },
        });
    }
}

/// Has the rules handle `action` of `player`, which comes back if it was out. Returns where it is then.
fn take(player: &mut Player, action: &Action, rules: &mut dyn Rules) -> Result<Cell, Refusal> {
    let cell = rules.act(player.id, player.cell, action);
    let cell = cell.map_err(|reason| Refusal::new(ErrorCode::BadAction, reason))?;
    // Clients get the cell of a player only from its moves.
    if matches!(action, Action::Move(_)) {
        player.cell = cell;
    }
    player.moves += 1;
    player.out_since = None;
    Ok(cell)
}

/// Holds `action` of `player` until the turn `open` closes, unless it is late for the turn before, which is
/// being played.
fn hold(player: &mut Player, action: &Action, is_late: bool, open: u64) -> Result<(), Refusal> {
    let refusal = |reason: String| Refusal::new(ErrorCode::BadAction, reason);
    if is_late {
        let turn = open - 1;
        player.answers.count_line_between_turns();
        return Err(refusal(format!("too late: turn {turn} is being played already")));
    }
    player.answers.hold(action).map_err(|error| {
        refusal(match error {
            AnswerError::Repeated => {
                format!("{} has acted in turn {open} already", player.name)
            }
            AnswerError::Late(turns) => {
                let missed = open.saturating_sub(turns.into());
                format!("late for turn {missed}, which is over: it does not count for turn {open}")
            }
        })
    })
}

/// Why `player` may not act at `now`, if it is out and may not come back yet.
fn refusal_while_out(player: &Player, now: Duration, respawn: Option<Duration>) -> Option<Refusal> {
    let out_for = now.saturating_sub(player.out_since?);
    let name = &player.name;
    let message = match respawn {
        None => format!("{name} is out until the next round"),
        Some(respawn) if out_for < respawn => {
            let seconds = respawn.saturating_sub(out_for).as_secs_f64();
            format!("{name} is out, and can come back in {seconds:.1} s")
        }
        Some(_) => return None,
    };
    Some(Refusal::new(ErrorCode::BadAction, message))
}

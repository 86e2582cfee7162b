use std::collections::BTreeSet;

use tribune_protocol::PlayerId;

use super::fault::FaultReason;

/// The players that a referee can name: those in the game, and those that have left it, as the referee
/// may print a line before it has read that.
#[derive(Debug, Default)]
pub(super) struct Roster {
    in_game: BTreeSet<PlayerId>,
    /// The greatest number of a player so far. Players are numbered in the order in which they join.
    last: PlayerId,
}

impl Roster {
    pub(super) fn join(&mut self, player: PlayerId) {
        self.in_game.insert(player);
        self.last = self.last.max(player);
    }

    pub(super) fn leave(&mut self, player: PlayerId) {
        self.in_game.remove(&player);
    }

    pub(super) fn is_in_game(&self, player: PlayerId) -> bool {
        self.in_game.contains(&player)
    }

    /// # Errors
    /// If no player has had this number.
    pub(super) fn check(&self, player: PlayerId) -> Result<(), FaultReason> {
        if player == PlayerId(0) || player > self.last {
            return Err(FaultReason::UnknownPlayer(player));
        }
        Ok(())
    }
}

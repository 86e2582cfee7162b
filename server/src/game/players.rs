use std::collections::HashMap;

use tribune_protocol::{Move, Name, Origin, PlayerId, PlayerState};

use super::board::{Board, Cell};

/// A player on the board.
#[derive(Clone, Debug)]
pub struct Player {
    /// Its number, which no other player of this game has.
    pub id: PlayerId,
    /// What it is called.
    pub name: Name,
    /// Where it stands.
    pub cell: Cell,
    /// How often it has moved.
    pub moves: u64,
}

/// The players in the game.
#[derive(Clone, Debug, Default)]
pub struct Players {
    // A handful per origin, so a list that is searched is the fastest and smallest.
    by_origin: HashMap<Origin, Vec<Player>>,
    last: PlayerId,
}

impl Players {
    /// The player that `step` of `origin` moves. If it is new, it is put onto the `board`.
    ///
    /// The second value is whether it is new.
    pub fn find_or_join(
        &mut self,
        origin: Origin,
        step: &Move,
        board: &Board,
    ) -> (&mut Player, bool) {
        let players = self.by_origin.entry(origin).or_default();
        let known = players.iter().position(|player| player.name == step.name);
        let index = known.unwrap_or_else(|| {
            self.last = self.last.next();
            let cell = board.entry(origin, &step.name);
            players.push(Player { id: self.last, name: step.name.clone(), cell, moves: 0 });
            players.len() - 1
        });
        (&mut players[index], known.is_none())
    }

    /// Takes all players of `origin` out of the game, in the order they joined.
    pub fn leave(&mut self, origin: Origin) -> Vec<Player> {
        self.by_origin.remove(&origin).unwrap_or_default()
    }

    /// All players, in the order they joined.
    pub fn states(&self) -> Vec<PlayerState> {
        let mut states: Vec<PlayerState> = self
            .by_origin
            .iter()
            .flat_map(|(&from, players)| players.iter().map(move |player| state(from, player)))
            .collect();
        states.sort_unstable_by_key(|state| state.id);
        states
    }
}

fn state(from: Origin, player: &Player) -> PlayerState {
    let Cell { x, y } = player.cell;
    PlayerState { id: player.id, name: player.name.clone(), from, x, y, moves: player.moves }
}

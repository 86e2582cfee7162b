use std::collections::HashMap;

use tribune_protocol::{Name, Origin, PlayerId, PlayerState};

use crate::rules::{Cell, Rules};

/// A player in the game.
#[derive(Clone, Debug)]
pub struct Player {
    /// Its number, unique within a game.
    pub id: PlayerId,
    /// Its name, unique within its origin.
    pub name: Name,
    /// Where it is.
    pub cell: Cell,
    /// How many moves it has made.
    pub moves: u64,
}

/// The players in the game, and the numbers they get.
#[derive(Clone, Debug, Default)]
pub struct Players {
    // Origins have a handful of players each, for which a linear search is fastest and smallest.
    by_origin: HashMap<Origin, Vec<Player>>,
    last: PlayerId,
}

impl Players {
    /// The player `name` of `origin`. A new player enters where the rules place it.
    ///
    /// The second value is whether the player is new.
    pub fn find_or_join(
        &mut self,
        origin: Origin,
        name: &Name,
        rules: &mut dyn Rules,
    ) -> (&mut Player, bool) {
        let players = self.by_origin.entry(origin).or_default();
        let known = players.iter().position(|player| player.name == *name);
        let index = known.unwrap_or_else(|| {
            let id = self.last.next();
            self.last = id;
            let cell = rules.enter(id, origin, name);
            players.push(Player { id, name: name.clone(), cell, moves: 0 });
            players.len() - 1
        });
        (&mut players[index], known.is_none())
    }

    /// Removes and returns all players of `origin`, in the order in which they joined.
    pub fn leave(&mut self, origin: Origin) -> Vec<Player> {
        self.by_origin.remove(&origin).unwrap_or_default()
    }

    /// All players, in the order in which they joined.
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
    PlayerState {
        id: player.id,
        name: player.name.clone(),
        from,
        x,
        y,
        moves: player.moves,
        score: None,
        alive: None,
    }
}

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use tribune_protocol::{Name, Origin, PlayerId, PlayerState};

use super::answers::Answers;
use crate::rules::{Cell, Rules};

/// A player in the game.
#[derive(Clone, Debug)]
pub struct Player {
    /// Its number, unique within a game.
    pub id: PlayerId,
    /// Its name, unique within its origin.
    pub name: Name,
    /// Its cell in the last event about it.
    pub cell: Cell,
    /// How many actions it has taken.
    pub moves: u64,
    /// How many of them before this round.
    pub earlier_moves: u64,
    /// Its score in this round.
    pub score: i64,
    /// The time at which it went out; `None` if it is not out.
    pub out_since: Option<Duration>,
    /// Its answers to turns in lockstep.
    pub answers: Answers,
}

/// The players in the game, and the numbers they get.
#[derive(Clone, Debug, Default)]
pub struct Players {
    // Origins have a handful of players each, for which a linear search is fastest and smallest.
    by_origin: HashMap<Origin, Vec<Player>>,
    origins: BTreeMap<PlayerId, Origin>,
    last: PlayerId,
}

impl Player {
    /// Whether it is not out.
    pub fn is_alive(&self) -> bool {
        self.out_since.is_none()
    }

    /// Whether turns in lockstep wait for it.
    pub fn is_expected(&self) -> bool {
        self.is_alive() && !self.answers.is_silent()
    }

    /// Its state in a game with turns. Its actions come from the origin `from`.
    pub fn state_with_score(&self, from: Origin) -> PlayerState {
        PlayerState { score: Some(self.score), alive: Some(self.is_alive()), ..self.state(from) }
    }

    /// Its state in a game without turns.
    pub fn state(&self, from: Origin) -> PlayerState {
        let Cell { x, y } = self.cell;
        PlayerState {
            id: self.id,
            name: self.name.clone(),
            from,
            x,
            y,
            moves: self.moves,
            score: None,
            alive: None,
        }
    }
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
            self.origins.insert(id, origin);
            players.push(Player {
                id,
                name: name.clone(),
                cell: rules.enter(id, origin, name),
                moves: 0,
                earlier_moves: 0,
                score: 0,
                out_since: None,
                answers: Answers::default(),
            });
            players.len() - 1
        });
        (&mut players[index], known.is_none())
    }

    /// Removes and returns all players of `origin`, in the order in which they joined.
    pub fn leave(&mut self, origin: Origin) -> Vec<Player> {
        let players = self.by_origin.remove(&origin).unwrap_or_default();
        for player in &players {
            self.origins.remove(&player.id);
        }
        players
    }

    /// How many players are in the game.
    pub fn count(&self) -> usize {
        self.origins.len()
    }

    /// The player `id`.
    pub fn get(&self, id: PlayerId) -> Option<&Player> {
        let players = self.by_origin.get(self.origins.get(&id)?)?;
        players.iter().find(|player| player.id == id)
    }

    /// The player `id`, and where its actions come from.
    pub fn get_mut(&mut self, id: PlayerId) -> Option<(Origin, &mut Player)> {
        let origin = *self.origins.get(&id)?;
        let player = self.by_origin.get_mut(&origin)?.iter_mut().find(|player| player.id == id)?;
        Some((origin, player))
    }

    /// The numbers of all players, in the order in which they joined.
    pub fn ids(&self) -> Vec<PlayerId> {
        self.origins.keys().copied().collect()
    }

    /// All players, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Player> {
        self.by_origin.values().flatten()
    }

    /// All players, in no particular order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Player> {
        self.by_origin.values_mut().flatten()
    }

    /// The `state` of each player, in the order in which they joined.
    pub fn states(&self, state: impl Fn(&Player, Origin) -> PlayerState) -> Vec<PlayerState> {
        let mut states: Vec<PlayerState> = self
            .by_origin
            .iter()
            .flat_map(|(&from, players)| players.iter().map(move |player| (from, player)))
            .map(|(from, player)| state(player, from))
            .collect();
        states.sort_unstable_by_key(|state| state.id);
        states
    }
}

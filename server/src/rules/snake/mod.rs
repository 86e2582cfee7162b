//! The rules of snake, on a board without edges.
//!
//! In each turn all heads move at once, from the same old board: bodies first, so that a head that enters
//! any body dies, then heads that meet, then food. Nothing depends on the order in which actions arrive
//! within a turn, nor on the ids of players with different names.

mod board;
mod body;
mod collisions;
mod food;
mod player;
mod random;
mod steering;

use std::{cmp::Reverse, collections::BTreeMap};

use tribune_protocol::{Action, BoardSize, CellContent, Glyph, Name, Origin, PlayerId};

use self::{
    board::{Board, Content},
    body::Body,
    collisions::{Head, deaths},
    food::place_food,
    player::{Life, Player},
};
use super::{Cell, RoundResult, Rules, TurnOutcome};

/// Each player has a snake that moves one cell per turn, grows by what it eats, and dies when its head
/// enters a body.
#[derive(Clone, Debug)]
pub struct Snake {
    board: Board,
    /// The seed of the round.
    seed: u64,
    players: BTreeMap<PlayerId, Player>,
    /// Whether a round ends when at most one snake is left.
    last_one_wins: bool,
    /// How many snakes have entered in the round.
    entered: u64,
}

impl Snake {
    /// Rules for a board of this size, neither side of which may be 0. A snake that died can return.
    pub fn new(board: BoardSize, seed: u64) -> Self {
        Self {
            board: Board::new(board),
            seed,
            players: BTreeMap::new(),
            last_one_wins: false,
            entered: 0,
        }
    }

    /// Ends a round when at least two snakes have entered and at most one is left, for games in which a
    /// snake that died does not return.
    #[must_use]
    pub fn without_respawn(self) -> Self {
        Self { last_one_wins: true, ..self }
    }

    /// Plays turn `number`.
    pub fn turn(&mut self, number: u64) -> TurnOutcome {
        let step = self.step(number);
        self.place_entering_snakes();
        place_food(&mut self.board, self.seed, number);
        let result = self.result();
        TurnOutcome { cells: self.changed_cells(), result, ..step }
    }

    /// Moves all snakes by one step. Returns the scores that changed, and the players that are out.
    fn step(&mut self, turn: u64) -> TurnOutcome {
        let heads = self.advance_tails();
        let out = deaths(&heads, &self.board);
        for &(player, _) in &out {
            self.die(player, turn);
        }
        TurnOutcome { scores: self.advance_heads(&heads), out, ..TurnOutcome::default() }
    }

    /// The first half of a step of all snakes: tails leave their cells. Returns where the heads go, by
    /// player.
    fn advance_tails(&mut self) -> Vec<Head> {
        let mut heads = Vec::new();
        for (&id, player) in &mut self.players {
            let Some(cell) = player.next_head(&self.board) else { continue };
            let Life::Alive(body) = &mut player.life else { continue };
            if let Some(tail) = body.advance_tail() {
                self.board.set(tail, Content::Empty);
            }
            let length = body.len() + 1;
            heads.push(Head { player: id, name: player.name.clone(), cell, length });
        }
        heads
    }

    /// The other half of a step: the heads of snakes that live enter their cells, and eat what is there.
    /// Returns the scores that changed.
    fn advance_heads(&mut self, heads: &[Head]) -> Vec<(PlayerId, i64)> {
        let mut scores = Vec::new();
        for &Head { player: id, cell, .. } in heads {
            let Some(player) = self.players.get_mut(&id) else { continue };
            let Life::Alive(body) = &mut player.life else { continue };
            if let Content::Food(value) = self.board.get(cell) {
                body.grow(value.into());
                player.score += i64::from(value);
                scores.push((id, player.score));
            }
            body.advance_head(cell);
            self.board.set(cell, Content::Snake(id));
        }
        scores
    }

    /// Removes the snake of a player that is out since `turn`.
    fn die(&mut self, id: PlayerId, turn: u64) {
        if let Some(player) = self.players.get_mut(&id)
            && let Life::Alive(body) = std::mem::replace(&mut player.life, Life::Out(turn))
        {
            erase(&body, &mut self.board);
        }
    }

    /// Lets snakes enter that wait for it: by name, so that the order in which they joined decides only
    /// between players of the same name.
    fn place_entering_snakes(&mut self) {
        let is_waiting = |(_, player): &(_, &mut Player)| matches!(player.life, Life::Entering(_));
        let mut waiting: Vec<(&PlayerId, &mut Player)> =
            self.players.iter_mut().filter(is_waiting).collect();
        waiting.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
        for (&id, player) in waiting {
            if let Some(cell) = player.enter(&self.board) {
                self.board.set(cell, Content::Snake(id));
                self.entered += 1;
            }
        }
    }

    /// The changed cells of the board, as clients get them.
    fn changed_cells(&mut self) -> Vec<CellContent> {
        let content = |(Cell { x, y }, content)| {
            let (glyph, player) = match content {
                Content::Empty => (None, PlayerId(0)),
                Content::Food(value) => (Glyph::new(char::from(b'0' + value)), PlayerId(0)),
                Content::Snake(id) => (self.players.get(&id).map(|player| player.glyph), id),
            };
            CellContent { x, y, glyph, player }
        };
        self.board.take_changes().into_iter().map(content).collect()
    }

    /// The ranking, if the round is over.
    fn result(&self) -> Option<RoundResult> {
        let left = self.players.values().filter(|player| !matches!(player.life, Life::Out(_)));
        let is_over = self.last_one_wins && self.entered >= 2 && left.count() <= 1;
        is_over.then(|| RoundResult::Ranking(self.ranking()))
    }

    /// The players by how long they have lived, then by score.
    fn ranking(&self) -> Vec<Vec<PlayerId>> {
        let merit = |player: &Player| match player.life {
            Life::Out(turn) => (turn, player.score),
            Life::Alive(_) | Life::Entering(_) => (u64::MAX, player.score),
        };
        let mut players: Vec<(Reverse<(u64, i64)>, PlayerId)> =
            self.players.iter().map(|(&id, player)| (Reverse(merit(player)), id)).collect();
        players.sort_unstable();
        let groups = players.chunk_by(|(a, _), (b, _)| a == b);
        groups.map(|group| group.iter().map(|&(_, id)| id).collect()).collect()
    }
}

/// Empties the cells of a snake.
fn erase(body: &Body, board: &mut Board) {
    for cell in body.cells() {
        board.set(cell, Content::Empty);
    }
}

impl Rules for Snake {
    fn name(&self) -> &'static str {
        "snake"
    }

    fn board(&self) -> BoardSize {
        self.board.size()
    }

    fn has_turns(&self) -> bool {
        true
    }

    fn begin_round(&mut self, seed: u64) {
        self.board.clear();
        self.players.clear();
        self.seed = seed;
        self.entered = 0;
    }

    /// The snake enters at the end of the next turn. The cell is the first that is tried then; if a
    /// snake is there or near, another is taken.
    fn enter(&mut self, player: PlayerId, _: Origin, name: &Name) -> Cell {
        let entering = Player::new(name.clone(), &self.board, self.seed);
        let cell = entering.cell();
        self.players.insert(player, entering);
        cell.expect("it is entering")
    }

    fn act(&mut self, player: PlayerId, cell: Cell, action: &Action) -> Result<Cell, String> {
        let direction = action.direction().ok_or("a snake can only move: N, S, E or W")?;
        let Some(player) = self.players.get_mut(&player) else { return Ok(cell) };
        let cell = player.cell().unwrap_or_else(|| player.return_to(&self.board));
        let steered = player.steering.push(direction);
        steered.map_err(|error| format!("{} {error}", player.name))?;
        Ok(cell)
    }

    fn leave(&mut self, player: PlayerId) {
        if let Some(Player { life: Life::Alive(body), .. }) = self.players.remove(&player) {
            erase(&body, &mut self.board);
        }
    }

    fn turn(&mut self, number: u64) -> Option<TurnOutcome> {
        Some(Self::turn(self, number))
    }
}

#[cfg(test)]
mod tests;

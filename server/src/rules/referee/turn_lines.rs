use indexmap::IndexMap;
use tribune_protocol::{CellContent, MAX_CELLS, PlayerId};

use super::fault::FaultReason;
use crate::rules::{RoundResult, TurnOutcome};

/// The most lines of a turn: a referee can draw each cell of the largest board twice.
pub const MAX_LINES: usize = 100_000;

/// The most bytes of a turn, as a `draw` takes at most 24. Escaped for the wire, each byte becomes at most
/// 6, which is less than the longest line that clients accept.
pub const MAX_BYTES: usize = 2 << 20;

/// The most notes of a turn.
pub const MAX_NOTES: usize = 100;

const _: () = assert!(2 * MAX_CELLS < MAX_LINES);

/// The content of the lines of a referee since its last `go`. For each cell, score and player the last line counts;
/// the order is that of the first.
#[derive(Debug, Default)]
pub(super) struct TurnLines {
    lines: usize,
    bytes: usize,
    cells: IndexMap<(u16, u16), CellContent>,
    scores: IndexMap<PlayerId, i64>,
    out: IndexMap<PlayerId, String>,
    notes: Vec<String>,
    result: Option<RoundResult>,
    end: Option<String>,
}

impl TurnLines {
    /// Counts a line of `bytes` bytes.
    ///
    /// # Errors
    /// If the turn has more lines or bytes than it may have.
    pub(super) fn count(&mut self, bytes: usize) -> Result<(), FaultReason> {
        self.lines += 1;
        self.bytes += bytes;
        match (self.lines, self.bytes) {
            (lines, _) if lines > MAX_LINES => Err(FaultReason::TooManyLines),
            (_, bytes) if bytes > MAX_BYTES => Err(FaultReason::TooManyBytes),
            _ => Ok(()),
        }
    }

    /// Draws a cell.
    pub(super) fn draw(&mut self, content: CellContent) {
        self.cells.insert((content.x, content.y), content);
    }

    /// Sets the score of a player.
    pub(super) fn score(&mut self, player: PlayerId, score: i64) {
        self.scores.insert(player, score);
    }

    /// Takes a player out.
    pub(super) fn out(&mut self, player: PlayerId, reason: String) {
        self.out.insert(player, reason);
    }

    /// Adds a line for people.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn note(&mut self, text: String) -> Result<(), FaultReason> {
        if self.notes.len() == MAX_NOTES {
            return Err(FaultReason::TooManyNotes);
        }
        self.notes.push(text);
        Ok(())
    }

    /// Ends the round.
    pub(super) fn result(&mut self, result: RoundResult) {
        self.result = Some(result);
    }

    /// Ends the game.
    pub(super) fn end(&mut self, reason: String) {
        self.end = Some(reason);
    }

    /// Whether these lines end the game.
    pub(super) fn end_game(&self) -> bool {
        self.end.is_some()
    }

    /// Takes what the turn has changed, and begins the next turn. Players that are not `is_in_game` have left
    /// meanwhile, and are left out.
    pub(super) fn take(&mut self, is_in_game: impl Fn(PlayerId) -> bool) -> TurnOutcome {
        let Self { cells, scores, out, notes, mut result, end, .. } = std::mem::take(self);
        if let Some(RoundResult::Ranking(groups)) = &mut result {
            for group in &mut *groups {
                group.retain(|&player| is_in_game(player));
            }
            groups.retain(|group| !group.is_empty());
        }
        TurnOutcome {
            cells: cells.into_values().collect(),
            scores: scores.into_iter().filter(|&(player, _)| is_in_game(player)).collect(),
            out: out.into_iter().filter(|&(player, _)| is_in_game(player)).collect(),
            notes,
            result,
            end,
        }
    }
}

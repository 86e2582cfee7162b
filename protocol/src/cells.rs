use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{CellContent, Glyph, PlayerId};

/// The cells of a board that are not empty, row by row from the north. On the wire it is an array of
/// [`CellContent`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells(BTreeMap<(u16, u16), (Glyph, PlayerId)>);

impl Cells {
    /// Changes one cell.
    pub fn set(&mut self, content: CellContent) {
        let CellContent { x, y, glyph, player } = content;
        match glyph {
            Some(glyph) => self.0.insert((y, x), (glyph, player)),
            None => self.0.remove(&(y, x)),
        };
    }

    /// What the cell at `x`, `y` shows, and the player that it belongs to; `None` if it is empty.
    pub fn get(&self, x: u16, y: u16) -> Option<(Glyph, PlayerId)> {
        self.0.get(&(y, x)).copied()
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = CellContent> {
        self.0.iter().map(|(&(y, x), &(glyph, player))| CellContent {
            x,
            y,
            glyph: Some(glyph),
            player,
        })
    }

    /// How many cells are not empty.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all cells are empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Empties all cells.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut cells = Self::default();
        for content in Vec::deserialize(deserializer)? {
            cells.set(content);
        }
        Ok(cells)
    }
}

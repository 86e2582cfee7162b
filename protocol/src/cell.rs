use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::{PlayerId, is_printable};

/// What a cell of the board shows: one visible character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Glyph(char);

/// A text is not a [`Glyph`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid glyph {0:?}: expected one visible character")]
pub struct InvalidGlyph(String);

/// The content of one cell: on the wire `[x, y, "glyph", player]`, where `""` is an empty cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellContent {
    /// Cells from the western edge.
    pub x: u16,
    /// Cells from the northern edge.
    pub y: u16,
    /// What it shows; `None` if it is empty.
    pub glyph: Option<Glyph>,
    /// The player that it belongs to; 0 if it belongs to none.
    pub player: PlayerId,
}

impl Glyph {
    /// The glyph `char`, if it is visible.
    pub fn new(char: char) -> Option<Self> {
        (is_printable(char) && !char.is_whitespace()).then_some(Self(char))
    }

    /// The character.
    pub fn char(self) -> char {
        self.0
    }
}

impl TryFrom<&str> for Glyph {
    type Error = InvalidGlyph;

    fn try_from(text: &str) -> Result<Self, InvalidGlyph> {
        let mut chars = text.chars();
        let glyph = chars.next().and_then(Self::new).filter(|_| chars.next().is_none());
        glyph.ok_or_else(|| InvalidGlyph(text.chars().take(8).collect()))
    }
}

impl Serialize for CellContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut utf8 = [0; 4];
        let glyph: &str = self.glyph.map_or("", |glyph| glyph.0.encode_utf8(&mut utf8));
        (self.x, self.y, glyph, self.player).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CellContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (x, y, glyph, player) =
            <(u16, u16, Cow<'_, str>, PlayerId)>::deserialize(deserializer)?;
        let glyph = match &*glyph {
            "" => None,
            text => Some(Glyph::try_from(text).map_err(de::Error::custom)?),
        };
        Ok(Self { x, y, glyph, player })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_an_array_on_the_wire() {
        let cells = [
            (
                r#"[1,2,"a",3]"#,
                CellContent { x: 1, y: 2, glyph: Glyph::new('a'), player: PlayerId(3) },
            ),
            (
                r#"[0,65535,"",0]"#,
                CellContent { x: 0, y: u16::MAX, glyph: None, player: PlayerId(0) },
            ),
        ];
        for (line, cell) in cells {
            assert_eq!(serde_json::to_string(&cell).unwrap(), line);
            assert_eq!(serde_json::from_str::<CellContent>(line).unwrap(), cell);
        }
        for line in [r#"[1,2,"ab",3]"#, r#"[1,2," ",3]"#, "[1,2]", r#"[-1,2,"a",3]"#] {
            assert!(serde_json::from_str::<CellContent>(line).is_err(), "{line}");
        }
    }
}

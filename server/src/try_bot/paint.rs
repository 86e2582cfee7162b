/// A colour of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For moves.
    Green,
    /// For lines that are refused.
    Red,
    /// For output that is not a move.
    Yellow,
    /// For standard error.
    Dim,
}

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Whether to use colours.
    pub colours: bool,
}

impl Paint {
    /// `text` in `colour`.
    pub fn paint(self, colour: Colour, text: String) -> String {
        if !self.colours {
            return text;
        }
        let code = match colour {
            Colour::Green => 32,
            Colour::Red => 31,
            Colour::Yellow => 33,
            Colour::Dim => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

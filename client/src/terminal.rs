use std::io::{self, IsTerminal};

use rustix::{
    stdio::stdin,
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};

/// A terminal that hands over each key as it is pressed, without showing it. When this is dropped,
/// the terminal is as it was.
///
/// Ctrl-C and Ctrl-Z keep their meaning, and so does the end of a line on output.
#[derive(Debug)]
pub struct SingleKeys {
    before: Termios,
}

impl SingleKeys {
    /// Turns the terminal on standard input to single keys; `None` if it is no terminal.
    ///
    /// # Errors
    /// If the terminal refuses.
    pub fn turn_on() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let keys = Self { before: tcgetattr(stdin())? };
        keys.apply()?;
        Ok(Some(keys))
    }

    /// Turns it on again, after somebody else has had the terminal.
    ///
    /// # Errors
    /// If the terminal refuses.
    pub fn apply(&self) -> io::Result<()> {
        let mut single = self.before.clone();
        single.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        single.special_codes[SpecialCodeIndex::VMIN] = 1;
        single.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(stdin(), OptionalActions::Now, &single)?)
    }
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}

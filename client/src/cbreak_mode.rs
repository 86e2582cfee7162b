use std::io::{self, IsTerminal};

use rustix::{
    stdio::stdin,
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};

/// A terminal in cbreak mode: each key is available as it is pressed, and is not echoed. Dropping this
/// restores the mode before.
///
/// Ctrl-C, Ctrl-Z and the line ends of output work as usual.
#[derive(Debug)]
pub struct CbreakMode {
    before: Termios,
}

impl CbreakMode {
    /// Enables cbreak mode on standard input; `None` if that is not a terminal.
    ///
    /// # Errors
    /// If the terminal refuses it.
    pub fn enable() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let mode = Self { before: tcgetattr(stdin())? };
        mode.apply()?;
        Ok(Some(mode))
    }

    /// Sets the mode again, after another process has used the terminal.
    ///
    /// # Errors
    /// If the terminal refuses it.
    pub fn apply(&self) -> io::Result<()> {
        let mut cbreak = self.before.clone();
        cbreak.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        cbreak.special_codes[SpecialCodeIndex::VMIN] = 1;
        cbreak.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(stdin(), OptionalActions::Now, &cbreak)?)
    }
}

impl Drop for CbreakMode {
    fn drop(&mut self) {
        // If the terminal has been closed there is nothing to restore.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}

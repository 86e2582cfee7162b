use std::{
    io::{self, IsTerminal, Write},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Returns the cursor to the start of the row, and deletes the row (ECMA-48: CR, EL).
const CLEAR_ROW: &str = "\r\u{1b}[K";

/// The line that is being typed, as the last row of the terminal, below the game.
///
/// It is shared by the task that reads keys and the one that shows the game. The latter hides it before it
/// writes, and shows it again after that, so that neither appears in the middle of the other.
#[derive(Clone, Debug, Default)]
pub struct Prompt(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    text: Option<String>,
    is_hidden: bool,
}

impl Prompt {
    /// Shows `text`; `None` if no line is being typed.
    pub fn set(&self, text: Option<String>) {
        let mut state = self.state();
        let clear = if state.text.is_some() { CLEAR_ROW } else { "" };
        if !state.is_hidden {
            write(clear, text.as_deref());
        }
        state.text = text;
    }

    /// Hides it, while something else is written.
    pub fn hide(&self) {
        let mut state = self.state();
        if !mem::replace(&mut state.is_hidden, true) && state.text.is_some() {
            write(CLEAR_ROW, None);
        }
    }

    /// Shows it again.
    pub fn show(&self) {
        let mut state = self.state();
        state.is_hidden = false;
        if let Some(text) = &state.text {
            write("", Some(text));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A text is replaced as a whole, so that it is valid even after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes to standard error, like all messages: standard output may be a pipe. If standard error is not a
/// terminal, nothing is shown.
fn write(clear: &str, text: Option<&str>) {
    let mut err = io::stderr().lock();
    if !err.is_terminal() {
        return;
    }
    // If standard error is closed there is no place left to type at.
    let _ = write!(err, "{clear}{}", text.unwrap_or_default()).and_then(|()| err.flush());
}

use tribune_protocol::{MAX_CLIENT_LINE, is_printable, text::display_width};

use crate::keys::Key;

/// The most columns of a line that are shown: its end. So it fits into a row of any common terminal.
const MAX_SHOWN: usize = 60;

/// A line that is being typed.
#[derive(Clone, Debug, Default)]
pub struct LineEditor {
    text: String,
}

/// What a key press has done to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It is still being typed.
    Typing,
    /// It is complete.
    Complete,
    /// It was given up.
    Cancelled,
}

impl LineEditor {
    /// Handles `key`.
    pub fn handle(&mut self, key: Key) -> Edit {
        match key {
            Key::Enter => return Edit::Complete,
            Key::Escape | Key::EndOfInput => return Edit::Cancelled,
            Key::Backspace if self.text.is_empty() => return Edit::Cancelled,
            Key::Backspace => drop(self.text.pop()),
            // Ctrl-U, which deletes a line in terminals.
            Key::Char('\u{15}') => self.text.clear(),
            Key::Char(char)
                if is_printable(char) && self.text.len() + char.len_utf8() <= MAX_CLIENT_LINE =>
            {
                self.text.push(char);
            }
            _ => {}
        }
        Edit::Typing
    }

    /// The line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What to show of it.
    pub fn prompt(&self) -> String {
        let fits = |at: &usize| display_width(&self.text[*at..]) <= MAX_SHOWN;
        let mut starts = self.text.char_indices().map(|(at, _)| at);
        let start = starts.find(fits).unwrap_or(self.text.len());
        format!(": {}", &self.text[start..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_in(editor: &mut LineEditor, text: &str) {
        for char in text.chars() {
            assert_eq!(editor.handle(Key::Char(char)), Edit::Typing);
        }
    }

    #[test]
    fn a_line_is_typed_and_corrected() {
        let mut editor = LineEditor::default();
        type_in(&mut editor, "oops\u{15}bid 1李\u{7}");
        for key in [Key::Backspace, Key::Left, Key::Tab, Key::Char('0')] {
            assert_eq!(editor.handle(key), Edit::Typing);
        }
        assert_eq!((editor.text(), editor.prompt().as_str()), ("bid 10", ": bid 10"));
        assert_eq!(editor.handle(Key::Enter), Edit::Complete);
    }

    #[test]
    fn a_line_is_given_up() {
        for key in [Key::Escape, Key::EndOfInput, Key::Backspace] {
            assert_eq!(LineEditor::default().handle(key), Edit::Cancelled);
        }
    }

    #[test]
    fn the_end_of_a_long_line_is_shown() {
        let mut editor = LineEditor::default();
        type_in(&mut editor, &"x".repeat(MAX_CLIENT_LINE + 1));
        assert_eq!(editor.text().len(), MAX_CLIENT_LINE);
        type_in(&mut editor, "\u{15}");
        type_in(&mut editor, &("a".repeat(30) + &"李".repeat(30)));
        assert_eq!(editor.prompt(), ": ".to_owned() + &"李".repeat(30));
    }
}

use thiserror::Error;
use tribune_protocol::{Event, MAX_SERVER_LINE};

/// Encoded events, one line each, on their way into the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

/// Why bytes are not accepted as the line of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// They do not end with a line end, or hold another.
    #[error("not one line with its end")]
    NotOneLine,
    /// The line is longer than [`MAX_SERVER_LINE`].
    #[error("a line of more than {MAX_SERVER_LINE} bytes")]
    TooLong,
}

impl Batch {
    /// Appends `event` as its line.
    pub fn push(&mut self, event: &Event) {
        tribune_protocol::encode(event, &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Appends the line of an event that is encoded already, with its end, as it is.
    ///
    /// Whether it is the line of the event that comes next is for the source of the line to know.
    ///
    /// # Errors
    /// If it is not one line, or too long. Then nothing is appended.
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), LineError> {
        let end = line.iter().position(|&byte| byte == b'\n').ok_or(LineError::NotOneLine)?;
        if end + 1 != line.len() {
            return Err(LineError::NotOneLine);
        }
        if end > MAX_SERVER_LINE {
            return Err(LineError::TooLong);
        }
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// The lines, each with its end.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    /// How many bytes its lines have.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Removes all events and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

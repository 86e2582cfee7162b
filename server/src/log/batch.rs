use tribune_protocol::Event;

/// Encoded events, one line each, on their way into the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Batch {
    /// Appends `event` as its line.
    pub fn push(&mut self, event: &Event) {
        tribune_protocol::encode(event, &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    #[cfg(test)]
    /// Appends a line, which ends in `\n` and holds no other.
    pub fn push_line(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
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

    /// Forgets the events and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

/// A line of a stream.
///
/// The bytes are without the line end (`\n` or `\r\n`). They may be empty, and need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A complete line.
    Whole(Bytes),
    /// The beginning of a line that is longer than the limit, up to the limit. The rest of the line is
    /// skipped.
    Cut(Bytes),
    /// The bytes after the last line end when the stream ended.
    Unfinished(Bytes),
}

/// Splits a stream of bytes into lines of a limited length.
///
/// It never holds more than the limit and a line end, and never fails: a line that is too long is a
/// [`Line::Cut`], after which it continues with the next line.
#[derive(Clone, Debug)]
pub struct LineDecoder {
    limit: usize,
    /// How much of the buffer is known to contain no line end.
    scanned: usize,
    /// Whether the rest of a line that was cut is being skipped.
    skipping: bool,
}

impl LineDecoder {
    /// A decoder for lines of at most `limit` bytes, not counting their ends.
    pub fn new(limit: usize) -> Self {
        Self { limit, scanned: 0, skipping: false }
    }

    /// Takes the next line that is complete or too long out of `buffer`.
    pub fn next_line(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        loop {
            let end = memchr::memchr(b'\n', &buffer[self.scanned..]).map(|at| self.scanned + at);
            if self.skipping {
                buffer.advance(end.map_or(buffer.len(), |end| end + 1));
                self.scanned = 0;
                self.skipping = end.is_none();
                if self.skipping {
                    return None;
                }
                continue;
            }
            self.scanned = 0;
            return match end {
                Some(end) => Some(self.take(buffer, end)),
                None if self.exceeds(buffer) => {
                    self.skipping = true;
                    Some(Line::Cut(buffer.split_to(self.limit).freeze()))
                }
                None => {
                    self.scanned = buffer.len();
                    None
                }
            };
        }
    }

    /// Takes the rest of `buffer` at the end of the stream.
    pub fn last_line(&mut self, buffer: &mut BytesMut) -> Option<Line> {
        if let Some(line) = self.next_line(buffer) {
            return Some(line);
        }
        self.scanned = 0;
        let rest = buffer.split();
        match rest.len() {
            0 => None,
            // It can be longer only by a carriage return.
            length if length > self.limit => Some(Line::Cut(rest.freeze().slice(..self.limit))),
            _ => Some(Line::Unfinished(rest.freeze())),
        }
    }

    /// Takes the line that ends at `end`, and its line end.
    fn take(&self, buffer: &mut BytesMut, end: usize) -> Line {
        let mut line = buffer.split_to(end + 1).freeze();
        line.truncate(end);
        if line.last() == Some(&b'\r') {
            line.truncate(end - 1);
        }
        if line.len() > self.limit {
            Line::Cut(line.slice(..self.limit))
        } else {
            Line::Whole(line)
        }
    }

    /// Whether `buffer`, which contains no line end, exceeds the limit whatever follows.
    fn exceeds(&self, buffer: &[u8]) -> bool {
        let may_be_an_end = usize::from(buffer.get(self.limit) == Some(&b'\r'));
        buffer.len() > self.limit + may_be_an_end
    }
}

impl Decoder for LineDecoder {
    type Item = Line;
    type Error = io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        Ok(self.next_line(buffer))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Line>> {
        Ok(self.last_line(buffer))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 8;

    /// The lines of `input` by definition, without a bound on memory.
    fn expected(input: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut pieces: Vec<&[u8]> = input.split(|&byte| byte == b'\n').collect();
        let last = pieces.pop().unwrap_or_default();
        for piece in pieces {
            let piece = piece.strip_suffix(b"\r").unwrap_or(piece);
            lines.push(if piece.len() > LIMIT {
                Line::Cut(Bytes::copy_from_slice(&piece[..LIMIT]))
            } else {
                Line::Whole(Bytes::copy_from_slice(piece))
            });
        }
        if last.len() > LIMIT {
            lines.push(Line::Cut(Bytes::copy_from_slice(&last[..LIMIT])));
        } else if !last.is_empty() {
            lines.push(Line::Unfinished(Bytes::copy_from_slice(last)));
        }
        lines
    }

    /// The lines of a stream that arrives in `chunks`, and the most bytes held in between.
    fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Line>, usize) {
        let mut decoder = LineDecoder::new(LIMIT);
        let mut buffer = BytesMut::new();
        let (mut lines, mut held) = (Vec::new(), 0);
        for chunk in chunks {
            buffer.extend_from_slice(chunk);
            while let Some(line) = decoder.next_line(&mut buffer) {
                lines.push(line);
            }
            held = held.max(buffer.len());
        }
        while let Some(line) = decoder.last_line(&mut buffer) {
            lines.push(line);
        }
        (lines, held)
    }

    const AWKWARD: &[u8] = b"N ann\r\n\n\r\n12345678\n12345678\r\n123456789\nE bob\r123456789012\rx\r\nW c\n12345678\r";

    #[test]
    fn lines_are_the_same_however_the_stream_is_split() {
        let want = expected(AWKWARD);
        for at in 0..=AWKWARD.len() {
            let (head, tail) = AWKWARD.split_at(at);
            assert_eq!(decode([head, tail]).0, want, "split at {at}");
        }
        assert_eq!(decode(AWKWARD.chunks(1)).0, want);
    }

    #[test]
    fn a_line_that_is_too_long_is_returned_before_it_ends() {
        let mut decoder = LineDecoder::new(LIMIT);
        let mut buffer = BytesMut::from(&b"123456789"[..]);
        assert_eq!(
            decoder.next_line(&mut buffer),
            Some(Line::Cut(Bytes::from_static(b"12345678")))
        );
        assert_eq!(decoder.next_line(&mut buffer), None);
        buffer.extend_from_slice(b"and so on\nN ann\n");
        assert_eq!(decoder.next_line(&mut buffer), Some(Line::Whole(Bytes::from_static(b"N ann"))));
    }

    proptest! {
        #[test]
        fn any_stream_in_any_chunks_gives_its_lines(
            input in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x'), any::<u8>()], 0..200),
            sizes in prop::collection::vec(1usize..20, 1..50),
        ) {
            let (mut rest, mut chunks) = (&input[..], Vec::new());
            for size in sizes.into_iter().cycle() {
                if rest.is_empty() { break; }
                let (head, tail) = rest.split_at(size.min(rest.len()));
                chunks.push(head);
                rest = tail;
            }
            let (lines, held) = decode(chunks);
            prop_assert_eq!(lines, expected(&input));
            prop_assert!(held <= LIMIT + 1, "held {} bytes", held);
        }
    }
}

/// Splits a stream into lines. Between chunks it keeps only the incomplete last line.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    partial: Vec<u8>,
}

impl LineSplitter {
    /// Calls `each` with each line that ends within `chunk`, without its end.
    ///
    /// # Errors
    /// If `each` fails. The rest of the chunk is dropped then.
    pub(super) fn feed<E>(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if self.partial.is_empty() {
                each(&rest[..end])?;
            } else {
                // The buffer is freed: an idle client should hold no memory.
                let mut line = std::mem::take(&mut self.partial);
                line.extend_from_slice(&rest[..end]);
                each(&line)?;
            }
            rest = &rest[end + 1..];
        }
        self.partial.extend_from_slice(rest);
        Ok(())
    }

    /// The length of the incomplete line, in bytes.
    pub(super) fn unfinished(&self) -> usize {
        self.partial.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
        let mut lines = LineSplitter::default();
        let mut found = Vec::new();
        for chunk in chunks {
            lines
                .feed(chunk, |line| {
                    found.push(line.to_vec());
                    Ok::<_, ()>(())
                })
                .unwrap();
        }
        (found, lines.unfinished())
    }

    #[test]
    fn lines_are_the_same_however_the_stream_is_split() {
        let stream = b"one\n\ntwo three\nfour";
        let want: Vec<Vec<u8>> = vec![b"one".into(), b"".into(), b"two three".into()];
        for at in 0..=stream.len() {
            let (head, tail) = stream.split_at(at);
            assert_eq!(lines(&[head, tail]), (want.clone(), 4), "split at {at}");
        }
        let single: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(lines(&single), (want, 4));
    }
}

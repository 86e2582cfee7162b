use std::collections::VecDeque;

use bytes::Bytes;
use tribune_protocol::Seq;

/// A reader that leaves more than this many bytes of answers unread is given up: it asks for more
/// than it takes.
const MOST_ANSWERS: usize = 64 << 10;

/// What a reader gets besides the stream of events, in order and each between two of its lines.
#[derive(Debug, Default)]
pub struct Lane {
    items: VecDeque<Item>,
    /// How many bytes of answers there are.
    answers: usize,
}

/// One of the things in a [`Lane`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Whole lines, or the rest of one.
    Lines {
        /// What is still to be written of them.
        bytes: Bytes,
        /// Whether the reader caused them by what it sent.
        answer: bool,
    },
    /// From here on, the events after this one.
    Resume(Seq),
    /// From here on, nothing.
    Close,
}

impl Lane {
    /// Appends `item`.
    pub fn push(&mut self, item: Item) {
        self.answers += item.answer_bytes();
        self.items.push_back(item);
    }

    /// Puts `item` before all others.
    pub fn push_front(&mut self, item: Item) {
        self.answers += item.answer_bytes();
        self.items.push_front(item);
    }

    /// Takes the first item.
    pub fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.answers -= item.answer_bytes();
        Some(item)
    }

    /// Whether there are more answers in it than a reader may leave unread.
    pub fn is_overfull(&self) -> bool {
        self.answers > MOST_ANSWERS
    }
}

impl Item {
    /// Lines that the reader did not ask for.
    pub fn lines(bytes: Bytes) -> Self {
        Self::Lines {
            bytes,
            answer: false,
        }
    }

    /// Lines that the reader caused by what it sent.
    pub fn answer(bytes: Bytes) -> Self {
        Self::Lines {
            bytes,
            answer: true,
        }
    }

    fn answer_bytes(&self) -> usize {
        match self {
            Self::Lines {
                bytes,
                answer: true,
            } => bytes.len(),
            // Its answer, `resumed`, is still to be written.
            Self::Resume(_) => 64,
            Self::Lines { .. } | Self::Close => 0,
        }
    }
}

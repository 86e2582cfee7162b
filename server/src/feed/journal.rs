use std::{io, pin::Pin};

use thiserror::Error;
use tribune_protocol::Seq;

use crate::log::Batch;

/// What [`Journal::append`] returns: done when the batch is stored.
pub type Append<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'a>>;

/// Stores events before any subscriber gets them.
///
/// It stands between the source and the log: a batch is appended to the log, and so reaches the
/// first subscriber, only after the journal has stored it. While it does, the source waits.
pub trait Journal: Send + 'static {
    /// Stores the events of `batch`, which begins with the event `first`. What "stored" means is up
    /// to the journal: with the operating system, on disk, or confirmed by another machine.
    fn append<'a>(&'a mut self, first: Seq, batch: &'a Batch) -> Append<'a>;
}

/// The journal did not store a batch, and no subscriber gets the events of it.
#[derive(Debug, Error)]
#[error("the journal cannot store the events from {first} on: {source}")]
pub struct JournalError {
    /// The first event that is not stored.
    pub first: Seq,
    /// Why.
    pub source: io::Error,
}

/// Whether there is a journal, and whether it still works.
pub(super) enum JournalSlot {
    /// There is none.
    None,
    /// It has stored everything so far.
    Open(Box<dyn Journal>),
    /// It has failed. What follows is not stored either, so that there are no gaps.
    Failed,
}

impl JournalSlot {
    /// Stores `batch`, if there is a journal. One whose `append` is not run to its end has failed: it
    /// may have stored the batch or not.
    pub(super) async fn append(&mut self, first: Seq, batch: &Batch) -> Result<(), JournalError> {
        if matches!(self, Self::None) {
            return Ok(());
        }
        let stored = match std::mem::replace(self, Self::Failed) {
            Self::Open(mut journal) => {
                journal.append(first, batch).await.map(|()| *self = Self::Open(journal))
            }
            Self::None | Self::Failed => Err(io::Error::other("it has failed before")),
        };
        stored.map_err(|source| JournalError { first, source })
    }
}

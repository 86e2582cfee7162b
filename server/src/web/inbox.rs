use std::{
    borrow::Borrow,
    collections::HashSet,
    hash::{Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use tokio::io::ReadBuf;

use super::stream_key::StreamKey;

/// The most bytes that wait in one inbox: two bodies of the largest size.
const MAX_WAITING: usize = 16 << 10;

/// The inboxes of all streams, by their keys. Clones are handles to the same.
#[derive(Clone, Debug, Default)]
pub struct Inboxes(Arc<Mutex<HashSet<ByKey>>>);

/// Lines that were posted to a stream, until its session reads them. It is removed from the
/// [`Inboxes`] when it is dropped, so that later posts are refused.
#[derive(Debug)]
pub struct Inbox(Arc<Shared>);

/// Why lines were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostError {
    /// No open stream has the key.
    UnknownKey,
    /// Too many bytes are waiting already.
    Full,
}

/// There is one for each stream, most of which are never posted to, so it is small.
#[derive(Debug)]
struct Shared {
    key: StreamKey,
    inboxes: Inboxes,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Wakes the session, which found no bytes.
    waker: Option<Waker>,
}

/// An inbox that is found by its key.
#[derive(Debug)]
struct ByKey(Arc<Shared>);

impl Inboxes {
    /// Opens an inbox with a new key, in which `lines` are waiting.
    pub fn open(&self, lines: Vec<u8>) -> Inbox {
        let shared = Arc::new(Shared {
            key: StreamKey::random(),
            inboxes: self.clone(),
            waiting: Mutex::new(Waiting { bytes: lines, waker: None }),
        });
        self.lock().insert(ByKey(shared.clone()));
        Inbox(shared)
    }

    /// Puts `lines` into the inbox with this `key`. A line end is added if the last has none, so that
    /// the lines of two posts are never joined.
    ///
    /// # Errors
    /// If there is no such inbox, or it has no room for all of `lines`.
    pub fn post(&self, key: StreamKey, lines: &[u8]) -> Result<(), PostError> {
        let shared = self.lock().get(&key).map(|found| found.0.clone());
        let shared = shared.ok_or(PostError::UnknownKey)?;
        let mut waiting = shared.lock();
        if waiting.bytes.len() + lines.len() >= MAX_WAITING {
            return Err(PostError::Full);
        }
        waiting.bytes.extend_from_slice(lines);
        if lines.last().is_some_and(|&last| last != b'\n') {
            waiting.bytes.push(b'\n');
        }
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ByKey>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

impl Inbox {
    /// The key under which it is found.
    pub fn key(&self) -> StreamKey {
        self.0.key
    }

    /// Moves waiting bytes to `buffer`. If there are none, it wakes the task when there are.
    pub fn poll_take(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<()> {
        let mut waiting = self.0.lock();
        if waiting.bytes.is_empty() {
            waiting.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let length = waiting.bytes.len().min(buffer.remaining());
        buffer.put_slice(&waiting.bytes[..length]);
        waiting.bytes.drain(..length);
        if waiting.bytes.is_empty() {
            waiting.bytes = Vec::new();
        }
        Poll::Ready(())
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.0.inboxes.lock().remove(&self.0.key);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no code panics while it holds this lock")
    }
}

impl Borrow<StreamKey> for ByKey {
    fn borrow(&self) -> &StreamKey {
        &self.0.key
    }
}

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByKey {}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    /// What the inbox gives to a reader with `room` bytes.
    async fn take(inbox: &Inbox, room: usize) -> String {
        let mut bytes = vec![0; room];
        let mut buffer = ReadBuf::new(&mut bytes);
        poll_fn(|cx| inbox.poll_take(cx, &mut buffer)).await;
        String::from_utf8(buffer.filled().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn lines_are_taken_in_order_and_end_with_their_post() {
        let inboxes = Inboxes::default();
        let inbox = inboxes.open(b"first\n".to_vec());
        inboxes.post(inbox.key(), b"N ann").unwrap();
        inboxes.post(inbox.key(), b"S ann\nE").unwrap();
        inboxes.post(inbox.key(), b"").unwrap();
        assert_eq!(take(&inbox, 8).await, "first\nN ");
        assert_eq!(take(&inbox, 100).await, "ann\nS ann\nE\n");
        assert!(take(&inbox, 100).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_post_wakes_the_reader() {
        let inboxes = Inboxes::default();
        let inbox = inboxes.open(Vec::new());
        let key = inbox.key();
        let reader = tokio::spawn(async move { take(&inbox, 100).await });
        tokio::task::yield_now().await;
        inboxes.post(key, b"N ann\n").unwrap();
        assert_eq!(reader.await.unwrap(), "N ann\n");
    }

    #[tokio::test]
    async fn a_full_inbox_takes_all_of_a_post_or_nothing() {
        let inboxes = Inboxes::default();
        let inbox = inboxes.open(Vec::new());
        let lines = vec![b'x'; MAX_WAITING / 2 - 1];
        inboxes.post(inbox.key(), &lines).unwrap();
        assert_eq!(inboxes.post(inbox.key(), &vec![b'x'; MAX_WAITING / 2]), Err(PostError::Full));
        inboxes.post(inbox.key(), &lines).unwrap();
        assert_eq!(inboxes.post(inbox.key(), b"N"), Err(PostError::Full));
        assert_eq!(take(&inbox, 2 * MAX_WAITING).await.len(), MAX_WAITING);
        inboxes.post(inbox.key(), b"N").unwrap();
    }

    #[test]
    fn a_dropped_inbox_is_not_found() {
        let inboxes = Inboxes::default();
        let [one, two] = [(); 2].map(|()| inboxes.open(Vec::new()));
        let key = one.key();
        drop(one);
        assert_eq!(inboxes.post(key, b"N ann\n"), Err(PostError::UnknownKey));
        inboxes.post(two.key(), b"N ann\n").unwrap();
        drop(two);
        assert!(inboxes.lock().is_empty());
    }

    #[test]
    fn an_idle_inbox_is_small() {
        assert!(size_of::<Shared>() <= 80, "{}", size_of::<Shared>());
        assert_eq!(size_of::<ByKey>(), size_of::<usize>());
    }
}

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// What is left to do to close a transport in order. It ends by itself, after a bounded time, and
/// holds no permit of a client meanwhile.
pub type Closing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The outgoing side of one subscriber: takes bytes without waiting.
///
/// There are two kinds. A *direct* one hands bytes to the kernel and keeps none. A *polled* one may
/// frame or encrypt: it accepts bytes into a small buffer of its own and has to be polled until they
/// are sent. For a subscriber both are the same: after a short write, or while
/// [`try_flush`](Self::try_flush) gives `false`, it waits for [`poll_ready`](Self::poll_ready).
pub trait Outgoing: Sized {
    /// Accepts as much of `bytes` as it can take now.
    ///
    /// # Errors
    /// `WouldBlock` if it takes nothing now; any other error means that it is broken.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Sends what it has accepted as far as that goes now, and returns whether nothing is left.
    ///
    /// # Errors
    /// Any error means that it is broken.
    fn try_flush(&mut self) -> io::Result<bool>;

    /// Ready as soon as a write or a flush may get further than the last one did. Otherwise it wakes
    /// the task when that is so.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether a subscriber that does not read may be closed while the stream goes on.
    fn is_closable(&self) -> bool;

    /// Closes it after everything that it has accepted.
    fn finish(self) -> Option<Closing>;

    /// Closes it in both directions, with `notice` as the last bytes if they can still be sent: not
    /// if the peer has gone, and not if there are so many that they would have to be held for it.
    fn abort(self, notice: &[u8]) -> Option<Closing>;
}

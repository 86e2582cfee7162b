use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::OwnedSemaphorePermit,
    time::timeout,
};

use super::{framing::Framing, outgoing::Closing, transport::MAX_NOTICE};

/// The most bytes of the feed in one frame: as many as in a record of TLS. A frame is held until the
/// stream has taken it.
const MAX_PAYLOAD: usize = 16 << 10;

/// How long the stream may take to send the rest and to shut down when it is closed.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// A byte stream that has to be polled until it has sent what it was given.
///
/// It accepts nothing while it holds a frame, so it never holds more than one. It keeps no memory for
/// frames while it holds none.
pub struct PolledStream {
    stream: Box<dyn AsyncWrite + Send + Unpin>,
    framing: Box<dyn Framing>,
    /// Frames that the stream has not taken yet.
    buffer: BytesMut,
    /// Whether the stream may hold bytes that it has taken and not sent.
    is_unflushed: bool,
    /// The error that [`poll_ready`](Self::poll_ready) found, for the call that follows.
    error: Option<io::Error>,
    /// The permit of the client, which returns to the limit when this is closed or dropped.
    permit: Option<OwnedSemaphorePermit>,
}

impl PolledStream {
    /// Sends frames of `framing` over `stream`, for a client that holds `permit`.
    pub(super) fn new(
        stream: impl AsyncWrite + Send + Unpin + 'static,
        framing: impl Framing,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            stream: Box::new(stream),
            framing: Box::new(framing),
            buffer: BytesMut::new(),
            is_unflushed: false,
            error: None,
            permit: Some(permit),
        }
    }

    /// See [`Outgoing::try_write`](super::outgoing::Outgoing::try_write).
    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut accepted = 0;
        for payload in bytes.chunks(MAX_PAYLOAD) {
            if !self.try_flush()? {
                break;
            }
            self.accept(payload);
            accepted += payload.len();
        }
        if accepted == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.try_flush()?;
        Ok(accepted)
    }

    /// See [`Outgoing::try_flush`](super::outgoing::Outgoing::try_flush).
    pub(super) fn try_flush(&mut self) -> io::Result<bool> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        // If it is pending, the shard polls it again before it sleeps, with a waker of its own.
        match self.poll_send(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(sent) => sent.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    /// See [`Outgoing::poll_ready`](super::outgoing::Outgoing::poll_ready).
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let held = self.buffer.len();
        match self.poll_send(cx) {
            Poll::Ready(sent) => self.error = sent.err(),
            // A client that takes a little now and then is not one that takes nothing.
            Poll::Pending if self.buffer.len() < held => {}
            Poll::Pending => return Poll::Pending,
        }
        Poll::Ready(())
    }

    /// See [`Outgoing::finish`](super::outgoing::Outgoing::finish).
    pub(super) fn finish(mut self: Box<Self>) -> Closing {
        // Now rather than after the closing: a client that was evicted for another has to make room
        // at once.
        self.permit = None;
        self.framing.end(&mut self.buffer);
        self.is_unflushed = true;
        Box::pin(async move {
            let _ = timeout(CLOSE_LIMIT, self.send_and_shut_down()).await;
        })
    }

    /// See [`Outgoing::abort`](super::outgoing::Outgoing::abort).
    pub(super) fn abort(mut self: Box<Self>, notice: &[u8]) -> Closing {
        if !notice.is_empty() && notice.len() <= MAX_NOTICE {
            self.accept(notice);
        }
        self.finish()
    }

    fn accept(&mut self, payload: &[u8]) {
        self.framing.frame(payload, &mut self.buffer);
        self.is_unflushed = true;
    }

    /// Ready when the stream has taken and sent everything.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(&mut self.stream);
        while !self.buffer.is_empty() {
            let length = ready!(stream.as_mut().poll_write(cx, &self.buffer))?;
            if length == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.buffer.advance(length);
        }
        if self.is_unflushed {
            self.buffer = BytesMut::new();
            ready!(stream.poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    async fn send_and_shut_down(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await?;
        self.stream.shutdown().await
    }
}

impl fmt::Debug for PolledStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolledStream").field("held", &self.buffer.len()).finish_non_exhaustive()
    }
}

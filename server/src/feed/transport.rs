use std::{
    io,
    net::Shutdown,
    task::{Context, Poll},
};

use socket2::SockRef;
use tokio::{
    io::AsyncWrite,
    net::{tcp::OwnedWriteHalf, unix::pipe},
    sync::OwnedSemaphorePermit,
};

use super::{
    framing::{Framing, Unframed},
    outgoing::{Closing, Outgoing},
    polled_stream::PolledStream,
};

/// Room for the closing notice of a client whose buffer is full: the rest of a line, and `closing`.
pub(super) const MAX_NOTICE: usize = 16 << 10;

/// What carries the stream to a client or a player program.
#[derive(Debug)]
pub enum Transport {
    /// A TCP connection, written to directly.
    Tcp {
        /// The writing half.
        output: OwnedWriteHalf,
        /// The permit of the client, which returns to the limit when this is dropped.
        _permit: OwnedSemaphorePermit,
    },
    /// The standard input of a player program, written to directly.
    Pipe(pipe::Sender),
    /// Any other byte stream, written to by polling.
    Stream(Box<PolledStream>),
}

impl Transport {
    /// The TCP connection of a client, which holds `permit`.
    pub fn tcp(output: OwnedWriteHalf, permit: OwnedSemaphorePermit) -> Self {
        Self::Tcp { output, _permit: permit }
    }

    /// Any byte stream to a client, which holds `permit`. The bytes are those of the feed.
    ///
    /// When the subscriber is closed, `permit` is released at once, and `stream` is shut down and
    /// dropped.
    pub fn stream(
        stream: impl AsyncWrite + Send + Unpin + 'static,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self::framed(stream, Unframed, permit)
    }

    /// The same, with the bytes of the feed framed by `framing`.
    pub fn framed(
        stream: impl AsyncWrite + Send + Unpin + 'static,
        framing: impl Framing,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self::Stream(Box::new(PolledStream::new(stream, framing, permit)))
    }
}

impl Outgoing for Transport {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp { output, .. } => output.try_write(bytes),
            Self::Pipe(pipe) => pipe.try_write(bytes),
            Self::Stream(stream) => stream.try_write(bytes),
        }
    }

    fn try_flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Tcp { .. } | Self::Pipe(_) => Ok(true),
            Self::Stream(stream) => stream.try_flush(),
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ready = match self {
            Self::Tcp { output, .. } => output.as_ref().poll_write_ready(cx),
            Self::Pipe(pipe) => pipe.poll_write_ready(cx),
            Self::Stream(stream) => return stream.poll_ready(cx),
        };
        // An error is found by the write that follows.
        ready.map(|_| ())
    }

    /// A pipe is kept: end-of-file would ask the program to end.
    fn is_closable(&self) -> bool {
        !matches!(self, Self::Pipe(_))
    }

    fn finish(self) -> Option<Closing> {
        match self {
            // Dropping it closes it, and the kernel sends what it has.
            Self::Tcp { .. } | Self::Pipe(_) => None,
            Self::Stream(stream) => Some(stream.finish()),
        }
    }

    fn abort(self, notice: &[u8]) -> Option<Closing> {
        match self {
            Self::Tcp { output, .. } => abort_tcp(&output, notice),
            Self::Pipe(_) => {}
            Self::Stream(stream) => return Some(stream.abort(notice)),
        }
        None
    }
}

fn abort_tcp(output: &OwnedWriteHalf, notice: &[u8]) {
    let socket = SockRef::from(output.as_ref());
    // Past the runtime, which knows only that the socket was full: what may wait to be sent is
    // bounded, and so may be the buffer.
    let _ = socket.set_tcp_notsent_lowat(u32::MAX);
    if notice.len() <= MAX_NOTICE && socket.send(notice).is_err() {
        let _ = socket
            .send_buffer_size()
            .and_then(|size| socket.set_send_buffer_size(size + MAX_NOTICE));
        let _ = socket.send(notice);
    }
    let _ = socket.shutdown(Shutdown::Both);
}

use std::{
    io,
    net::Shutdown,
    task::{Context, Poll},
};

use socket2::SockRef;
use tokio::{
    net::{tcp::OwnedWriteHalf, unix::pipe},
    sync::OwnedSemaphorePermit,
};

/// Room for the last words to a client whose buffer is full: the rest of a line, and `closing`.
const LAST_WORDS: usize = 16 << 10;

/// Where the bytes for one reader go, without waiting.
pub trait Sink {
    /// Writes as much of `bytes` as goes in now.
    ///
    /// # Errors
    /// `WouldBlock` if nothing goes in now; anything else is the end of it.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Whether something goes in. If not, wakes when it does.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Whether a reader that does not read may be given up.
    fn may_be_closed(&self) -> bool;

    /// Writes `bytes`, a few last words, even if nothing more goes in otherwise, and ends it in both
    /// directions. A peer that has gone does not get them, and neither does one that is in the
    /// middle of a long line, the rest of which would be held for it.
    fn say_last(&self, bytes: &[u8]);
}

/// What carries the stream to a client or a player program.
#[derive(Debug)]
pub enum Transport {
    /// A TCP connection.
    Tcp {
        /// Where its bytes go.
        output: OwnedWriteHalf,
        /// Its place among the clients, which is free again when this is dropped.
        _place: OwnedSemaphorePermit,
    },
    /// The standard input of a player program.
    Pipe(pipe::Sender),
}

impl Sink for Transport {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp { output, .. } => output.try_write(bytes),
            Self::Pipe(pipe) => pipe.try_write(bytes),
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let ready = match self {
            Self::Tcp { output, .. } => output.as_ref().poll_write_ready(cx),
            Self::Pipe(pipe) => pipe.poll_write_ready(cx),
        };
        // An error is found by the write that follows.
        ready.map(|_| ())
    }

    /// A pipe is kept: its end would tell the program to end.
    fn may_be_closed(&self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    fn say_last(&self, bytes: &[u8]) {
        let Self::Tcp { output, .. } = self else { return };
        let socket = SockRef::from(output.as_ref());
        // Past the runtime, which knows only that the socket was full: what may wait to be sent is
        // bounded, and so may be the buffer.
        let _ = socket.set_tcp_notsent_lowat(u32::MAX);
        if bytes.len() <= LAST_WORDS && socket.send(bytes).is_err() {
            let _ = socket
                .send_buffer_size()
                .and_then(|size| socket.set_send_buffer_size(size + LAST_WORDS));
            let _ = socket.send(bytes);
        }
        let _ = socket.shutdown(Shutdown::Both);
    }
}

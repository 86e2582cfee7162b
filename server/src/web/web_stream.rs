use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::{TcpStream, tcp::OwnedReadHalf},
    sync::OwnedSemaphorePermit,
};
use tribune_protocol::OriginKind;

use super::inbox::Inbox;
use crate::{edge::ByteStream, feed::Transport};

/// The most bytes that may come after the request of a stream. They mean nothing: a browser sends none.
const MAX_IGNORED: u32 = 64 << 10;

/// A connection whose request for the stream was accepted.
#[derive(Debug)]
pub struct WebStream {
    /// The connection, to which the response is written.
    pub connection: TcpStream,
    /// What is posted to it.
    pub inbox: Inbox,
}

/// What the session of a stream reads: the lines that are posted to its inbox, up to the end of the
/// connection.
#[derive(Debug)]
pub struct WebInput {
    connection: OwnedReadHalf,
    inbox: Inbox,
    /// How many bytes came on the connection.
    ignored: u32,
}

impl ByteStream for WebStream {
    const KIND: OriginKind = OriginKind::WEB;

    type Input = WebInput;

    /// The response is delimited by the end of the connection, so its body is written like the stream of
    /// a TCP client: directly from the log.
    fn split(self, permit: OwnedSemaphorePermit) -> (WebInput, Transport) {
        let (connection, output) = self.connection.into_split();
        let input = WebInput { connection, inbox: self.inbox, ignored: 0 };
        (input, Transport::tcp(output, permit))
    }
}

impl AsyncRead for WebInput {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.inbox.poll_take(cx, buffer).is_ready() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut scratch = [const { MaybeUninit::uninit() }; 1024];
            let mut scratch = ReadBuf::uninit(&mut scratch);
            ready!(Pin::new(&mut this.connection).poll_read(cx, &mut scratch))?;
            let length = scratch.filled().len();
            if length == 0 {
                return Poll::Ready(Ok(()));
            }
            this.ignored = this.ignored.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
            if this.ignored > MAX_IGNORED {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
    }
}

use std::fmt;

use tokio::{
    io::AsyncRead,
    net::{TcpStream, tcp::OwnedReadHalf},
    sync::OwnedSemaphorePermit,
};
use tribune_protocol::OriginKind;

use crate::feed::Transport;

/// A connection whose handshake is done: bytes in both directions.
///
/// A new transport, such as TLS, implements this. Everything behind the handshake is generic over it.
pub trait ByteStream: fmt::Debug + Send + Unpin + 'static {
    /// What its clients are called, as in `tcp#7`.
    const KIND: OriginKind;

    /// The half that a session reads.
    type Input: AsyncRead + fmt::Debug + Send + Unpin + 'static;

    /// Splits it into the half that a session reads and the half that the feed writes. The latter
    /// keeps the client's `permit`.
    fn split(self, permit: OwnedSemaphorePermit) -> (Self::Input, Transport);
}

impl ByteStream for TcpStream {
    const KIND: OriginKind = OriginKind::TCP;

    type Input = OwnedReadHalf;

    fn split(self, permit: OwnedSemaphorePermit) -> (OwnedReadHalf, Transport) {
        let (input, output) = self.into_split();
        (input, Transport::tcp(output, permit))
    }
}

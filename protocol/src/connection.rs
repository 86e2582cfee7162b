use std::io;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::codec::FramedRead;

use crate::{Line, LineDecoder, MAX_SERVER_LINE, Request};

/// The client side of a connection over any byte stream: lines of the server in, [requests](Request)
/// out.
#[derive(Debug)]
pub struct Connection<R, W> {
    lines: FramedRead<R, LineDecoder>,
    requests: W,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// A connection that reads from `input` and writes to `output`.
    pub fn new(input: R, output: W) -> Self {
        Self { lines: FramedRead::new(input, LineDecoder::new(MAX_SERVER_LINE)), requests: output }
    }

    /// The next line, without its end; `None` when the server has closed.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// If the stream fails, ends within a line, or has a line of more than
    /// [`MAX_SERVER_LINE`] bytes.
    pub async fn next_line(&mut self) -> io::Result<Option<Bytes>> {
        match self.lines.next().await.transpose()? {
            None => Ok(None),
            Some(Line::Whole(line)) => Ok(Some(line)),
            Some(Line::Cut(_)) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the server sent a line that is too long",
            )),
            Some(Line::Unfinished(_)) => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ended within a line"))
            }
        }
    }

    /// The bytes of the next line that have arrived.
    pub fn unfinished(&self) -> &[u8] {
        self.lines.read_buffer()
    }

    /// Sends `request` at once.
    ///
    /// # Errors
    /// If the stream fails.
    pub async fn send(&mut self, request: &Request) -> io::Result<()> {
        let mut line = Vec::new();
        request.encode(&mut line);
        self.requests.write_all(&line).await?;
        self.requests.flush().await
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{duplex, split};

    use super::*;
    use crate::ActionSyntax;

    /// So small that no line arrives in one read.
    const NARROW: usize = 8;

    #[tokio::test]
    async fn lines_arrive_whole_through_a_narrow_pipe() {
        let (near, mut far) = duplex(NARROW);
        let (input, output) = split(near);
        let mut connection = Connection::new(input, output);
        let server = tokio::spawn(async move {
            far.write_all(b"{\"type\":\"one\"}\n{\"type\":\"two\"}\n{\"typ").await.unwrap();
        });
        assert_eq!(connection.next_line().await.unwrap().unwrap(), "{\"type\":\"one\"}");
        assert_eq!(connection.next_line().await.unwrap().unwrap(), "{\"type\":\"two\"}");
        assert!(b"{\"typ".starts_with(connection.unfinished()));
        let error = connection.next_line().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn requests_arrive_whole_through_a_narrow_pipe() {
        let (near, far) = duplex(NARROW);
        let (input, output) = split(near);
        let mut connection = Connection::new(input, output);
        let client = tokio::spawn(async move {
            connection.send(&Request::Ping { id: 7.into() }).await.unwrap();
            connection
                .send(&Request::parse(b"N ann", &ActionSyntax::Directions).unwrap().unwrap())
                .await
                .unwrap();
        });
        let mut lines = FramedRead::new(far, LineDecoder::new(100));
        assert_eq!(
            lines.next().await.unwrap().unwrap(),
            Line::Whole("{\"type\":\"ping\",\"id\":7}".into())
        );
        assert_eq!(lines.next().await.unwrap().unwrap(), Line::Whole("N ann".into()));
        client.await.unwrap();
    }
}

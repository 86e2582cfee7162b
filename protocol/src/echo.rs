use std::{fmt, io, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use crate::{MAX_ECHO_MESSAGE, text::quote};

/// How long a server that has replied may take to close before the client does. Whichever side
/// closes first keeps the port in TIME-WAIT, and a server has only one.
const CLOSE_DELAY: Duration = Duration::from_millis(200);

/// What an echo server sent back.
#[derive(Debug)]
pub struct EchoReply {
    /// All bytes received, up to [`MAX_ECHO_MESSAGE`] more than were sent.
    pub bytes: Vec<u8>,
    /// When as many bytes as were sent had arrived; `None` if they have not.
    pub completed_at: Option<Instant>,
    /// How the exchange ended.
    pub end: EchoEnd,
}

/// How an exchange with an echo server ended.
#[derive(Debug)]
pub enum EchoEnd {
    /// The server closed the connection.
    Closed,
    /// The deadline passed.
    TimedOut,
    /// The connection failed.
    Failed(io::Error),
}

impl fmt::Display for EchoEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the server closed the connection"),
            Self::TimedOut => f.write_str("timed out (--timeout)"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// Sends `message` through `stream`, and collects the reply until the server closes, or until
/// `deadline`.
pub async fn exchange_echo(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    message: &[u8],
    deadline: Instant,
) -> EchoReply {
    let mut reply = EchoReply { bytes: Vec::new(), completed_at: None, end: EchoEnd::Closed };
    match timeout_at(deadline, reply.receive(stream, message)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => reply.end = EchoEnd::Failed(error),
        Err(_) => reply.end = EchoEnd::TimedOut,
    }
    reply
}

impl EchoReply {
    /// When `sent` was complete, if the reply is exactly that.
    ///
    /// # Errors
    /// Describes what arrived instead, and how the exchange ended.
    pub fn check(&self, sent: &[u8]) -> Result<Instant, String> {
        match self.completed_at {
            Some(completed_at) if self.bytes == sent => Ok(completed_at),
            _ => {
                let what = if self.bytes.is_empty() { "no reply" } else { "a different reply" };
                Err(format!("{what} to {}: {}", quote(sent), self.end))
            }
        }
    }

    async fn receive(
        &mut self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        message: &[u8],
    ) -> io::Result<()> {
        stream.write_all(message).await?;
        let limit = message.len() + MAX_ECHO_MESSAGE;
        let mut has_shut_down = false;
        while self.bytes.len() < limit {
            let room = (limit - self.bytes.len()) as u64;
            let mut rest = (&mut *stream).take(room);
            let read = rest.read_buf(&mut self.bytes);
            let length = if self.completed_at.is_some() && !has_shut_down {
                let Ok(length) = timeout_at(Instant::now() + CLOSE_DELAY, read).await else {
                    // A server that keeps the connection open learns that nothing more will come.
                    stream.shutdown().await?;
                    has_shut_down = true;
                    continue;
                };
                length?
            } else {
                read.await?
            };
            if length == 0 {
                break;
            }
            if self.completed_at.is_none() && self.bytes.len() >= message.len() {
                self.completed_at = Some(Instant::now());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// The reply to `message` from a server that sends `answer`, and then closes if `closes`; and the
    /// milliseconds that the exchange took.
    async fn exchanged(message: &[u8], answer: &[u8], closes: bool) -> (EchoReply, u128) {
        let (mut near, mut far) = duplex(4096);
        let start = Instant::now();
        let serve = async {
            let mut received = vec![0; message.len()];
            far.read_exact(&mut received).await.unwrap();
            far.write_all(answer).await.unwrap();
            if !closes {
                let mut rest = Vec::new();
                far.read_to_end(&mut rest).await.unwrap();
            }
            drop(far);
        };
        let deadline = start + Duration::from_secs(5);
        let ((), reply) = tokio::join!(serve, exchange_echo(&mut near, message, deadline));
        (reply, start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn collects_the_reply_until_the_server_closes() {
        for answer in [&b"hello"[..], b"hel", b"hello and more", b""] {
            let (reply, _) = exchanged(b"hello", answer, true).await;
            assert_eq!(reply.bytes, answer);
            assert_eq!(reply.completed_at.is_some(), answer.len() >= 5);
            assert!(matches!(reply.end, EchoEnd::Closed));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn closes_if_the_server_does_not() {
        let (reply, took) = exchanged(b"hello", b"hello", false).await;
        assert_eq!((reply.bytes, took), (b"hello".to_vec(), 200));
        assert!(matches!(reply.end, EchoEnd::Closed));
    }
}

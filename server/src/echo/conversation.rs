use std::{io, time::Duration};

use bytes::BytesMut;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::MAX_ECHO_MESSAGE;

use super::Manner;

/// What happens in a conversation, as it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange<'a> {
    /// These bytes have come.
    Received(&'a [u8]),
    /// These bytes were sent.
    Sent(&'a [u8]),
}

/// Why a conversation ended before its time.
#[derive(Debug, Error)]
pub enum EchoError {
    /// The client said nothing.
    #[error("nothing came for {}", humantime::format_duration(*.0))]
    Silent(Duration),
    /// The client did not take the answer.
    #[error("the answer was not taken for {}", humantime::format_duration(*.0))]
    Stuck(Duration),
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] io::Error),
}

/// Sends back what comes through `stream`: one message, or all of them, as `manner` says. Each step
/// is told to `tell`. After `closing`, the message under way is still answered, and nothing else is
/// waited for.
///
/// # Errors
/// If the client does not do its part.
pub async fn converse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    manner: Manner,
    closing: &CancellationToken,
    mut tell: impl FnMut(Exchange<'_>),
) -> Result<(), EchoError> {
    loop {
        let mut message = BytesMut::new();
        let first = read(stream, &mut message, &mut tell);
        match closing.run_until_cancelled(timeout(manner.patience, first)).await {
            None | Some(Ok(Ok(0))) => return Ok(()),
            Some(Err(_)) => return Err(EchoError::Silent(manner.patience)),
            Some(Ok(length)) => _ = length?,
        }
        let due = Instant::now() + manner.delay;
        // A message may come in pieces. What has come by the time of the answer is the message.
        while message.len() < MAX_ECHO_MESSAGE {
            match timeout_at(due, read(stream, &mut message, &mut tell)).await {
                Err(_) | Ok(Ok(0)) => break,
                Ok(length) => _ = length?,
            }
        }
        sleep_until(due).await;
        let answer = timeout(manner.patience, stream.write_all(&message)).await;
        answer.map_err(|_| EchoError::Stuck(manner.patience))??;
        tell(Exchange::Sent(&message));
        if !manner.stream {
            return Ok(());
        }
    }
}

/// Appends what has come to `message`, up to the longest that one may be, and gives its length.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    message: &mut BytesMut,
    tell: &mut impl FnMut(Exchange<'_>),
) -> io::Result<usize> {
    let before = message.len();
    let room = MAX_ECHO_MESSAGE - before;
    message.reserve(room);
    let length = stream.take(room as u64).read_buf(message).await?;
    if length > 0 {
        tell(Exchange::Received(&message[before..]));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const ONCE: Manner =
        Manner { delay: Duration::from_secs(1), patience: Duration::from_secs(30), stream: false };

    /// What comes back of `pieces`, sent 100 ms apart by somebody who then closes if he `closes`;
    /// how long that takes in milliseconds, and how it ends.
    async fn echoed(
        manner: Manner,
        pieces: &[&[u8]],
        closes: bool,
    ) -> (Vec<u8>, u128, Result<(), EchoError>) {
        let (mut near, mut far) = duplex(4096);
        let start = Instant::now();
        let talk = async {
            let closing = CancellationToken::new();
            let end = converse(&mut far, manner, &closing, |_| {}).await;
            drop(far);
            end
        };
        let listen = async {
            for piece in pieces {
                near.write_all(piece).await.unwrap();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if closes {
                near.shutdown().await.unwrap();
            }
            let mut back = Vec::new();
            near.read_to_end(&mut back).await.unwrap();
            (back, start.elapsed().as_millis())
        };
        let (end, (back, took)) = tokio::join!(talk, listen);
        (back, took, end)
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_comes_back_after_the_delay() {
        let (back, took, end) = echoed(ONCE, &[b"\x00any\xff bytes\n"], false).await;
        assert_eq!((back, took), (b"\x00any\xff bytes\n".to_vec(), 1000));
        end.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_in_pieces_is_one() {
        let (back, took, _) = echoed(ONCE, &[b"one ", b"and ", b"two"], true).await;
        assert_eq!((back, took), (b"one and two".to_vec(), 1000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_has_a_hundred_bytes_at_most() {
        let (back, _, _) = echoed(ONCE, &[&[7; 70], &[8; 70]], false).await;
        assert_eq!(back, [vec![7; 70], vec![8; 30]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_not_waited_for() {
        let (back, took, end) = echoed(ONCE, &[], false).await;
        assert_eq!((back.len(), took), (0, 30_000));
        assert!(matches!(end, Err(EchoError::Silent(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_comes_back_until_it_ends() {
        let manner = Manner { stream: true, delay: Duration::from_millis(50), ..ONCE };
        let (back, _, end) = echoed(manner, &[b"one", b"two", &[3; 250]], true).await;
        assert_eq!(back, [b"onetwo".to_vec(), vec![3; 250]].concat());
        end.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_the_answer_is_not_waited_for() {
        let (mut near, mut far) = duplex(16);
        let manner = Manner { stream: true, delay: Duration::ZERO, ..ONCE };
        let closing = CancellationToken::new();
        let talk = converse(&mut far, manner, &closing, |_| {});
        let send = async {
            near.write_all(&[0; 100]).await.unwrap();
            std::future::pending().await
        };
        let end = tokio::select! { end = talk => end, never = send => never };
        assert!(matches!(end, Err(EchoError::Stuck(_))), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn when_it_closes_what_has_come_is_still_answered() {
        let closing = CancellationToken::new();
        let (mut near, mut far) = duplex(4096);
        near.write_all(b"late").await.unwrap();
        let close = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            closing.cancel();
        };
        let manner = Manner { stream: true, ..ONCE };
        let (end, ()) = tokio::join!(converse(&mut far, manner, &closing, |_| {}), close);
        end.unwrap();
        drop(far);
        let mut back = Vec::new();
        near.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, b"late");
    }
}

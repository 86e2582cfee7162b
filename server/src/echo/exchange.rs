use std::{io, time::Duration};

use bytes::BytesMut;
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::MAX_ECHO_MESSAGE;

use super::EchoConfig;

/// A step of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// These bytes were received.
    Received(&'a [u8]),
    /// These bytes were sent.
    Sent(&'a [u8]),
}

/// Why an exchange failed.
#[derive(Debug, Error)]
pub enum EchoError {
    /// The client sent nothing.
    #[error("nothing was received for {}", humantime::format_duration(*.0))]
    Idle(Duration),
    /// The client did not read the answer.
    #[error("the answer was not read for {}", humantime::format_duration(*.0))]
    Stalled(Duration),
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] io::Error),
}

/// Sends back what is received from `stream`: one message, or all of them, as `config` says. Each
/// step is passed to `on_step`. When `closing` is cancelled, a message that has been received is
/// still answered, and no other is waited for.
///
/// # Errors
/// If the client sends or reads nothing for too long, or the connection breaks.
pub async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    config: EchoConfig,
    closing: &CancellationToken,
    mut on_step: impl FnMut(Step<'_>),
) -> Result<(), EchoError> {
    loop {
        let mut message = BytesMut::new();
        let first = read(stream, &mut message, &mut on_step);
        match closing.run_until_cancelled(timeout(config.idle_timeout, first)).await {
            None | Some(Ok(Ok(0))) => return Ok(()),
            Some(Err(_)) => return Err(EchoError::Idle(config.idle_timeout)),
            Some(Ok(length)) => _ = length?,
        }
        let due = Instant::now() + config.delay;
        // A message may come in pieces: what is received before the answer is due belongs to it.
        while message.len() < MAX_ECHO_MESSAGE {
            match timeout_at(due, read(stream, &mut message, &mut on_step)).await {
                Err(_) | Ok(Ok(0)) => break,
                Ok(length) => _ = length?,
            }
        }
        sleep_until(due).await;
        let answer = timeout(config.idle_timeout, stream.write_all(&message)).await;
        answer.map_err(|_| EchoError::Stalled(config.idle_timeout))??;
        on_step(Step::Sent(&message));
        if !config.stream {
            return Ok(());
        }
    }
}

/// Appends what is received to `message`, up to the maximum length, and returns the number of bytes.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    message: &mut BytesMut,
    on_step: &mut impl FnMut(Step<'_>),
) -> io::Result<usize> {
    let before = message.len();
    let room = MAX_ECHO_MESSAGE - before;
    message.reserve(room);
    let length = stream.take(room as u64).read_buf(message).await?;
    if length > 0 {
        on_step(Step::Received(&message[before..]));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const ONCE: EchoConfig = EchoConfig {
        delay: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(30),
        stream: false,
    };

    /// What comes back of `pieces`, sent 100 ms apart by a client that then closes if it `closes`;
    /// how long that takes in milliseconds, and how it ends.
    async fn echoed(
        config: EchoConfig,
        pieces: &[&[u8]],
        closes: bool,
    ) -> (Vec<u8>, u128, Result<(), EchoError>) {
        let (mut near, mut far) = duplex(4096);
        let start = Instant::now();
        let serve = async {
            let closing = CancellationToken::new();
            let end = exchange(&mut far, config, &closing, |_| {}).await;
            drop(far);
            end
        };
        let client = async {
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
        let (end, (back, took)) = tokio::join!(serve, client);
        (back, took, end)
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_comes_back_after_the_delay() {
        let (back, took, end) = echoed(ONCE, &[b"\x00any\xff bytes\n"], false).await;
        assert_eq!((back, took), (b"\x00any\xff bytes\n".to_vec(), 1000));
        end.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_that_arrive_in_time_are_one_message() {
        let (back, took, _) = echoed(ONCE, &[b"one ", b"and ", b"two"], true).await;
        assert_eq!((back, took), (b"one and two".to_vec(), 1000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_has_at_most_a_hundred_bytes() {
        let (back, _, _) = echoed(ONCE, &[&[7; 70], &[8; 70]], false).await;
        assert_eq!(back, [vec![7; 70], vec![8; 30]].concat());
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_a_client_that_sends_nothing() {
        let (back, took, end) = echoed(ONCE, &[], false).await;
        assert_eq!((back.len(), took), (0, 30_000));
        assert!(matches!(end, Err(EchoError::Idle(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_comes_back_until_the_client_closes() {
        let config = EchoConfig { stream: true, delay: Duration::from_millis(50), ..ONCE };
        let (back, _, end) = echoed(config, &[b"one", b"two", &[3; 250]], true).await;
        assert_eq!(back, [b"onetwo".to_vec(), vec![3; 250]].concat());
        end.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_a_client_that_does_not_read_the_answer() {
        let (mut near, mut far) = duplex(16);
        let config = EchoConfig { stream: true, delay: Duration::ZERO, ..ONCE };
        let closing = CancellationToken::new();
        let serve = exchange(&mut far, config, &closing, |_| {});
        let send = async {
            near.write_all(&[0; 100]).await.unwrap();
            std::future::pending().await
        };
        let end = tokio::select! { end = serve => end, never = send => never };
        assert!(matches!(end, Err(EchoError::Stalled(_))), "{end:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn answers_what_was_received_before_closing() {
        let closing = CancellationToken::new();
        let (mut near, mut far) = duplex(4096);
        near.write_all(b"late").await.unwrap();
        let close = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            closing.cancel();
        };
        let config = EchoConfig { stream: true, ..ONCE };
        let (end, ()) = tokio::join!(exchange(&mut far, config, &closing, |_| {}), close);
        end.unwrap();
        drop(far);
        let mut back = Vec::new();
        near.read_to_end(&mut back).await.unwrap();
        assert_eq!(back, b"late");
    }
}

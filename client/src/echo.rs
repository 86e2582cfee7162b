//! Sending something and seeing whether the same comes back.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use futures_util::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, stdin},
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_util::codec::FramedRead;
use tribune_cli::{FAILED, failure, is_closed_pipe, quote, say};
use tribune_protocol::{Line, LineDecoder, MAX_ECHO_MESSAGE};

/// How long a server that has answered may take to close, before we do. Who closes first keeps the
/// port for a while, and servers have only one.
const CLOSING: Duration = Duration::from_millis(200);

/// What came back of a message.
#[derive(Debug)]
pub struct Exchange {
    /// All bytes that came, up to one hundred more than were sent.
    pub back: Vec<u8>,
    /// When as many had come as were sent, if they have.
    pub answered: Option<Instant>,
    /// How it ended.
    pub end: ExchangeEnd,
}

/// How an exchange ended.
#[derive(Debug)]
pub enum ExchangeEnd {
    /// The server closed.
    Closed,
    /// The time was up.
    TimeUp,
    /// The connection broke.
    Broken(io::Error),
}

impl fmt::Display for ExchangeEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the server closed"),
            Self::TimeUp => f.write_str("the time that --timeout gives was up"),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

/// Sends `message` through `stream`, and collects what comes back until the server closes, or until
/// `deadline`.
pub async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    message: &[u8],
    deadline: Instant,
) -> Exchange {
    let mut exchange = Exchange { back: Vec::new(), answered: None, end: ExchangeEnd::Closed };
    let talk = exchange.talk(stream, message);
    match timeout_at(deadline, talk).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => exchange.end = ExchangeEnd::Broken(error),
        Err(_) => exchange.end = ExchangeEnd::TimeUp,
    }
    exchange
}

impl Exchange {
    /// When `sent` was back, if that and nothing else came.
    ///
    /// # Errors
    /// Says what came instead, and why.
    pub fn check(&self, sent: &[u8]) -> Result<Instant, String> {
        match self.answered {
            Some(answered) if self.back == sent => Ok(answered),
            _ => {
                let what = if self.back.is_empty() { "nothing" } else { "something else" };
                Err(format!("{what} came back of {}: {}", quote(sent), self.end))
            }
        }
    }

    async fn talk(
        &mut self,
        stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
        message: &[u8],
    ) -> io::Result<()> {
        stream.write_all(message).await?;
        let most = message.len() + MAX_ECHO_MESSAGE;
        let mut has_closed = false;
        while self.back.len() < most {
            let room = (most - self.back.len()) as u64;
            let mut rest = (&mut *stream).take(room);
            let read = rest.read_buf(&mut self.back);
            // A server that keeps the connection is to see that nothing more will come.
            let patience = Instant::now() + CLOSING;
            let length = if self.answered.is_some() && !has_closed {
                let Ok(length) = timeout_at(patience, read).await else {
                    stream.shutdown().await?;
                    has_closed = true;
                    continue;
                };
                length?
            } else {
                read.await?
            };
            if length == 0 {
                break;
            }
            if self.answered.is_none() && self.back.len() >= message.len() {
                self.answered = Some(Instant::now());
            }
        }
        Ok(())
    }
}

/// What is to be echoed, and how.
#[derive(Clone, Debug)]
pub struct EchoOptions {
    /// An address, or a host and a port.
    pub server: String,
    /// What is sent; without it, each line of standard input.
    pub message: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Sends messages, shows what comes back, and says in its exit code whether it was the same.
pub async fn echo(options: EchoOptions) -> ExitCode {
    match echo_all(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => failure(error),
    }
}

async fn echo_all(options: &EchoOptions) -> io::Result<bool> {
    if let Some(message) = &options.message {
        return echo_one(options, message.as_bytes()).await;
    }
    let mut lines = FramedRead::new(stdin(), LineDecoder::new(MAX_ECHO_MESSAGE));
    let mut all_same = true;
    while let Some(line) = lines.next().await.transpose()? {
        match line {
            Line::Whole(line) | Line::Unfinished(line) if line.is_empty() => {}
            Line::Whole(line) | Line::Unfinished(line) => {
                all_same &= echo_one(options, &line).await?;
            }
            Line::Cut(beginning) => {
                let beginning = quote(&beginning[..20]);
                say(format_args!(
                    "error: a message has at most {MAX_ECHO_MESSAGE} bytes, and that which begins with {beginning} has more"
                ));
                all_same = false;
            }
        }
    }
    Ok(all_same)
}

/// Echoes `message`, tells how that went, and says whether the same came back.
async fn echo_one(options: &EchoOptions, message: &[u8]) -> io::Result<bool> {
    let start = Instant::now();
    let deadline = start + options.timeout;
    let connected = timeout_at(deadline, TcpStream::connect(&options.server)).await;
    let mut stream = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => stream,
        Err(error) => {
            say(format_args!(
                "error: no echo server at {}: {error}; start one with `server echo`, or name another with --server HOST:PORT",
                options.server
            ));
            return Ok(false);
        }
    };
    let exchange = exchange(&mut stream, message, deadline).await;
    let took = exchange.answered.unwrap_or_else(Instant::now) - start;
    if !exchange.back.is_empty() {
        writeln!(io::stdout(), "{} after {:.3} s", quote(&exchange.back), took.as_secs_f64())?;
    }
    let same = exchange.check(message);
    if let Err(error) = &same {
        say(format_args!("error: {error}"));
    }
    Ok(same.is_ok())
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    /// What comes of `message` if the server answers with `answer`, and then closes if it `closes`.
    async fn exchanged(message: &[u8], answer: &[u8], closes: bool) -> (Exchange, u128) {
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
        let ((), exchange) = tokio::join!(serve, exchange(&mut near, message, deadline));
        (exchange, start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_back_is_collected_to_the_end() {
        for answer in [&b"hello"[..], b"hel", b"hello and more", b""] {
            let (exchange, _) = exchanged(b"hello", answer, true).await;
            assert_eq!(exchange.back, answer);
            assert_eq!(exchange.answered.is_some(), answer.len() >= 5);
            assert!(matches!(exchange.end, ExchangeEnd::Closed));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_keeps_the_connection_is_left() {
        let (exchange, took) = exchanged(b"hello", b"hello", false).await;
        assert_eq!((exchange.back, took), (b"hello".to_vec(), 200));
        assert!(matches!(exchange.end, ExchangeEnd::Closed));
    }
}

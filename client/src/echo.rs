//! Sending something and seeing whether the same comes back.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use futures_util::StreamExt;
use tokio::{
    io::stdin,
    net::TcpStream,
    time::{Instant, timeout_at},
};
use tokio_util::codec::FramedRead;
use tribune_cli::{FAILED, failure, is_closed_pipe, say};
use tribune_protocol::{Line, LineDecoder, MAX_ECHO_MESSAGE, exchange_echo, text::quote};

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
    let reply = exchange_echo(&mut stream, message, deadline).await;
    let took = reply.completed_at.unwrap_or_else(Instant::now) - start;
    if !reply.bytes.is_empty() {
        writeln!(io::stdout(), "{} after {:.3} s", quote(&reply.bytes), took.as_secs_f64())?;
    }
    let same = reply.check(message);
    if let Err(error) = &same {
        say(format_args!("error: {error}"));
    }
    Ok(same.is_ok())
}

//! Sends messages to an echo server, and checks the replies.

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
use tribune_cli::{FAILED, Program, failure, is_closed_pipe, print_message};
use tribune_protocol::{Line, LineDecoder, MAX_ECHO_MESSAGE, exchange_echo, text::quote};

/// What to send to an echo server.
#[derive(Clone, Debug)]
pub struct EchoOptions {
    /// The address of the server, `HOST:PORT`.
    pub server: String,
    /// The message; `None` for each line of standard input.
    pub message: Option<String>,
    /// The timeout for a reply.
    pub timeout: Duration,
}

/// Sends the messages and shows the replies. Returns the exit code, which tells whether they were equal.
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
    let mut all_equal = true;
    while let Some(line) = lines.next().await.transpose()? {
        match line {
            Line::Whole(line) | Line::Unfinished(line) if line.is_empty() => {}
            Line::Whole(line) | Line::Unfinished(line) => {
                all_equal &= echo_one(options, &line).await?;
            }
            Line::Cut(beginning) => {
                let beginning = quote(&beginning[..20]);
                print_message(format_args!(
                    "error: a message can have at most {MAX_ECHO_MESSAGE} bytes; the one that starts with {beginning} has more"
                ));
                all_equal = false;
            }
        }
    }
    Ok(all_equal)
}

/// Sends `message` and shows the reply. Returns whether it was equal.
async fn echo_one(options: &EchoOptions, message: &[u8]) -> io::Result<bool> {
    let start = Instant::now();
    let deadline = start + options.timeout;
    let connected = timeout_at(deadline, TcpStream::connect(&options.server)).await;
    let mut stream = match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
        Ok(stream) => stream,
        Err(error) => {
            print_message(format_args!(
                "error: no echo server at {}: {error}; start one with `{} echo`, or name another with --server HOST:PORT",
                options.server,
                Program::Server.name(),
            ));
            return Ok(false);
        }
    };
    let reply = exchange_echo(&mut stream, message, deadline).await;
    let took = reply.completed_at.unwrap_or_else(Instant::now) - start;
    if !reply.bytes.is_empty() {
        writeln!(io::stdout(), "{} after {:.3} s", quote(&reply.bytes), took.as_secs_f64())?;
    }
    let result = reply.check(message);
    if let Err(error) = &result {
        print_message(format_args!("error: {error}"));
    }
    Ok(result.is_ok())
}

//! Messages to the operator of a server.
//!
//! None of them ever blocks: a stopped terminal, or a pipe that is not read, must not hold up a
//! game. A thread writes them, and what it cannot write in time is lost.
//!
//! All of them are printable: everything else is escaped here, whatever it comes from.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, Write},
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tribune_protocol::text::printable;

/// How many messages may wait to be written.
const QUEUE: usize = 10_000;

/// How long to wait for the banner to be written.
const BANNER_TIMEOUT: Duration = Duration::from_millis(200);

/// A queue of messages for one of the standard streams. Clones share the queue.
#[derive(Clone, Debug)]
pub struct Messages(NonBlocking);

impl Messages {
    /// Opens a queue for `stream`. Dropping the guard waits a moment for what is still to be written.
    pub fn to(stream: impl Write + Send + 'static) -> (Self, WorkerGuard) {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(QUEUE).lossy(true);
        let (writer, guard) = builder.finish(stream);
        (Self(writer), guard)
    }

    /// Writes `lines` to standard error before anything else, and waits until they are written, but
    /// not for long.
    pub async fn say_first(&self, lines: &[String]) {
        let lines: Vec<Cow<'_, str>> = lines.iter().map(|line| printable(line)).collect();
        let text = lines.join("\n") + "\n";
        // A stopped terminal shows it when it goes on.
        let _ = timeout(BANNER_TIMEOUT, write(io::stderr(), text)).await;
    }

    /// Queues `message` as one line.
    pub fn say(&self, message: impl Display) {
        let line = format!("{}\n", printable(&message.to_string()));
        // The queue never fails: it drops what it has no room for.
        let _ = self.0.clone().write_all(line.as_bytes());
    }

    /// What log lines are written to, so that they are in order with the messages.
    pub(crate) fn writer(&self) -> NonBlocking {
        self.0.clone()
    }
}

/// Writes `text` to `stream` in a thread of its own, and waits until that is done. It is done even
/// if this is not waited for.
async fn write(mut stream: impl Write + Send + 'static, text: String) {
    let (written, done) = oneshot::channel();
    let write = move || {
        // If standard error is closed, nothing can be reported.
        let _ = stream.write_all(text.as_bytes());
        let _ = written.send(());
    };
    if let Err(error) = thread::Builder::new().name("banner".into()).spawn(write) {
        tracing::warn!(%error, "cannot start a thread to write the banner");
    }
    let _ = done.await;
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// A terminal that is stopped until a message comes.
    struct Stopped(Receiver<()>);

    impl Write for Stopped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_stopped_terminal_does_not_block_the_runtime() {
        let (resume, stopped) = channel();
        // Both run on the one thread of this runtime: if the first blocked it, the second would not
        // run.
        let other = async { resume.send(()).unwrap() };
        tokio::join!(write(Stopped(stopped), "hello\n".into()), other);
    }
}

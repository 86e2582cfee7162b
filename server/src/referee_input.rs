use std::{
    mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{io::AsyncWriteExt, net::unix::pipe, sync::Notify};
use tokio_util::sync::CancellationToken;

/// The most bytes that may wait to be read by a referee: a join or an action of each of the most players
/// that a game may have.
const MAX_WAITING: usize = 4 << 20;

/// The lines that are to be written to a referee. Cloning gives another handle to the same.
///
/// Adding lines never waits. A task of its own writes them, so that a referee that does not read its input
/// neither blocks the game nor keeps the server from reading its output.
#[derive(Clone, Debug, Default)]
pub struct RefereeInput(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    lines: Mutex<String>,
    added: Notify,
    is_closed: AtomicBool,
}

impl RefereeInput {
    /// Adds complete lines.
    ///
    /// # Errors
    /// If the referee does not read: how many bytes wait for it.
    pub fn add(&self, lines: &str) -> Result<(), usize> {
        if lines.is_empty() || self.0.is_closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut waiting = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_str(lines);
        let length = waiting.len();
        drop(waiting);
        self.0.added.notify_one();
        if length > MAX_WAITING { Err(length) } else { Ok(()) }
    }

    /// Writes the lines to `pipe`, until it is closed at the other end or `stop` is cancelled. What is
    /// added after that is dropped.
    pub async fn forward(self, mut pipe: pipe::Sender, stop: CancellationToken) {
        let forward = async {
            loop {
                let lines = self.take();
                if lines.is_empty() {
                    self.0.added.notified().await;
                } else if let Err(error) = pipe.write_all(lines.as_bytes()).await {
                    tracing::debug!(%error, "the referee has closed its standard input");
                    return;
                }
            }
        };
        stop.run_until_cancelled(forward).await;
        self.0.is_closed.store(true, Ordering::Relaxed);
        self.take();
    }

    fn take(&self) -> String {
        mem::take(&mut *self.0.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn piped() -> (pipe::Sender, std::io::PipeReader) {
        let (reader, writer) = std::io::pipe().unwrap();
        (pipe::Sender::from_owned_fd(writer.into()).unwrap(), reader)
    }

    #[tokio::test]
    async fn lines_are_written_in_order_until_it_is_stopped() {
        let (pipe, mut reader) = piped();
        let (input, stop) = (RefereeInput::default(), CancellationToken::new());
        input.add("join 1 ann\n").unwrap();
        let task = tokio::spawn(input.clone().forward(pipe, stop.clone()));
        input.add("turn 1\n").unwrap();
        let mut text = [0; 18];
        let (text, mut reader) = tokio::task::spawn_blocking(move || {
            reader.read_exact(&mut text).map(|()| (text, reader))
        })
        .await
        .unwrap()
        .unwrap();
        assert_eq!(&text, b"join 1 ann\nturn 1\n");
        stop.cancel();
        task.await.unwrap();
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "end of file");
    }

    #[tokio::test]
    async fn unread_lines_are_bounded() {
        let (pipe, _reader) = piped();
        let (input, stop) = (RefereeInput::default(), CancellationToken::new());
        let task = tokio::spawn(input.clone().forward(pipe, stop.clone()));
        let line = "act 1 N\n".repeat(1000);
        let unread = (0..).find_map(|_| input.add(&line).err()).unwrap();
        assert!((MAX_WAITING..=MAX_WAITING + line.len()).contains(&unread), "{unread}");
        stop.cancel();
        task.await.unwrap();
        assert_eq!(input.add(&line), Ok(()), "it is dropped");
    }
}

use std::{
    io::{self, Write},
    thread,
};

use anyhow::Context;
use tokio::sync::{mpsc, oneshot};
use tribune_cli::is_closed_pipe;

/// How many rows may wait to be written. Further ones are skipped.
const QUEUE: usize = 10_000;

/// Writes rows in a thread of its own, so that output which is not read holds up neither the trial
/// nor a signal.
#[derive(Debug)]
pub struct Printer {
    rows: mpsc::Sender<String>,
    skipped: u64,
    end: oneshot::Receiver<io::Result<()>>,
}

impl Printer {
    /// A printer to `out`.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(mut out: impl Write + Send + 'static) -> anyhow::Result<Self> {
        let (rows, mut queue) = mpsc::channel::<String>(QUEUE);
        let (ended, end) = oneshot::channel();
        let mut write_all = move || {
            while let Some(row) = queue.blocking_recv() {
                out.write_all(row.as_bytes())?;
                if queue.is_empty() {
                    out.flush()?;
                }
            }
            out.flush()
        };
        let run = move || {
            let _ = ended.send(write_all());
        };
        let thread = thread::Builder::new().name("printer".into());
        thread.spawn(run).context("cannot start a thread to write the report")?;
        Ok(Self { rows, skipped: 0, end })
    }

    /// Queues `row`, a whole line; `false` if nothing can be written any more.
    pub fn print(&mut self, row: String) -> bool {
        match self.rows.try_send(row) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.skipped += 1;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Writes `last` after all rows, and waits until everything is written.
    ///
    /// # Errors
    /// If not everything could be written, except if nothing reads it any more.
    pub async fn finish(self, last: String) -> anyhow::Result<()> {
        let Self { rows, skipped, end } = self;
        if skipped > 0 {
            let row = format!("({skipped} more lines: standard output was not read in time)\n");
            let _ = rows.send(row).await;
        }
        let _ = rows.send(last).await;
        drop(rows);
        match end.await {
            Ok(Err(error)) if !is_closed_pipe(&error) => {
                Err(error).context("cannot write to standard output")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    };

    use super::*;

    /// An output that is not read until a message comes, or its sender is dropped.
    struct Unread {
        resume: Receiver<()>,
        text: Arc<Mutex<String>>,
    }

    impl Write for Unread {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.resume.recv();
            self.text.lock().unwrap().push_str(str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output that fails.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[tokio::test]
    async fn output_that_is_not_read_skips_rows_and_blocks_nothing() {
        let (resume, resumed) = channel();
        let text = Arc::new(Mutex::new(String::new()));
        let mut printer = Printer::start(Unread { resume: resumed, text: text.clone() }).unwrap();
        for _ in 0..QUEUE + 100 {
            assert!(printer.print("row\n".into()));
        }
        drop(resume);
        printer.finish("report\n".into()).await.unwrap();
        let text = text.lock().unwrap();
        // The thread may have taken one before it was stopped.
        assert!(text.lines().count() <= QUEUE + 3, "{}", text.lines().count());
        assert!(text.ends_with(" more lines: standard output was not read in time)\nreport\n"));
    }

    #[tokio::test]
    async fn only_output_that_is_not_wanted_is_no_error() {
        for (kind, is_error) in
            [(io::ErrorKind::BrokenPipe, false), (io::ErrorKind::StorageFull, true)]
        {
            let mut printer = Printer::start(Broken(kind)).unwrap();
            while printer.print("row\n".into()) {
                thread::yield_now();
            }
            assert_eq!(printer.finish("report\n".into()).await.is_err(), is_error, "{kind}");
        }
    }
}

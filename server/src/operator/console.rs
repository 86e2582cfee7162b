use std::io;

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::watch,
};
use tribune_cli::{EventFormatter, is_closed_pipe};
use tribune_protocol::{Seq, ServerLine};

use crate::log::View;

/// How many bytes of the log are told in one write.
const BYTES_PER_WRITE: usize = 64 << 10;

/// Standard output, on which the game is told line by line.
///
/// It is a reader of the log like any other: if nobody takes what it prints, it falls behind, and
/// the game does not wait for it.
#[derive(Debug)]
pub struct Console {
    view: View,
    head: watch::Receiver<Seq>,
    next: Seq,
    formatter: EventFormatter,
}

impl Console {
    /// A console that tells everything in the log from its first event on.
    pub fn new((view, head): (View, watch::Receiver<Seq>)) -> Self {
        Self { view, head, next: Seq(1), formatter: EventFormatter::default() }
    }

    /// Tells the game to its end, or until nobody can read it any more. Tells `missed` how many
    /// events it had to leave out because nobody read it in time.
    pub async fn run(mut self, mut out: impl AsyncWrite + Unpin, missed: impl Fn(u64)) {
        if let Err(error) = self.tell(&mut out, missed).await
            && !is_closed_pipe(&error)
        {
            tracing::warn!(%error, "the console cannot be written to, so it is silent from now on");
        }
    }

    async fn tell(
        &mut self,
        out: &mut (impl AsyncWrite + Unpin),
        missed: impl Fn(u64),
    ) -> io::Result<()> {
        loop {
            // Looked at before the log is read, so that nothing can come between.
            let open = self.head.has_changed().is_ok();
            self.view.refresh();
            while self.next <= self.view.head() {
                if let Some(oldest) = Some(self.view.oldest()).filter(|oldest| self.next < *oldest)
                {
                    missed(oldest.since(self.next));
                    self.next = oldest;
                }
                let text = self.next_text();
                out.write_all(text.as_bytes()).await?;
                out.flush().await?;
                self.view.refresh();
            }
            if !open {
                return Ok(());
            }
            // An error says that the log has ended, which the next turn finds.
            let _ = self.head.changed().await;
        }
    }

    /// What there is to print next.
    fn next_text(&mut self) -> String {
        let mut text = String::new();
        for line in some_lines(self.view.lines_from(self.next)) {
            self.next = self.next.next();
            if let Ok(ServerLine::Event(event)) = ServerLine::parse(line)
                && let Some(told) = self.formatter.format(&event)
            {
                text.push_str(&told);
                text.push('\n');
            }
        }
        text
    }
}

/// The first of `lines`, about as many as are told in one write.
fn some_lines(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut length = 0;
    lines.split_inclusive(|&byte| byte == b'\n').take_while(move |line| {
        let fits = length < BYTES_PER_WRITE;
        length += line.len();
        fits
    })
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use tribune_protocol::{Event, EventKind};

    use super::*;
    use crate::log::{Batch, Log, MIN_LOG_BYTES};

    fn batch(clocks: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::default();
        for clock in clocks {
            batch.push(&Event { seq: Seq(clock + 1), ms: 0, kind: EventKind::Clock { clock } });
        }
        batch
    }

    fn console(log: &Arc<Log>, head: &watch::Sender<Seq>) -> Console {
        Console::new((View::new(log.clone()), head.subscribe()))
    }

    #[tokio::test]
    async fn the_whole_log_is_told_to_its_end() {
        let log = Arc::new(Log::new(MIN_LOG_BYTES));
        let head = watch::Sender::new(Seq(0));
        let console = console(&log, &head);
        log.append(&batch(0..3));
        drop(head);
        let mut out = Vec::new();
        console.run(&mut out, |missed| panic!("{missed} events")).await;
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "clock = 0000s\nclock = 0001s\nclock = 0002s\n"
        );
    }

    #[tokio::test]
    async fn what_fell_out_of_the_log_is_said_to_be_missing() {
        let log = Arc::new(Log::new(MIN_LOG_BYTES));
        let head = watch::Sender::new(Seq(0));
        let console = console(&log, &head);
        log.append(&batch(0..1000));
        drop(head);
        let mut out = Vec::new();
        let missed = Cell::new(0);
        console.run(&mut out, |count| missed.set(count)).await;
        let out = String::from_utf8(out).unwrap();
        assert!(missed.get() > 0);
        assert_eq!(missed.get() + out.lines().count() as u64, 1000);
        assert!(out.ends_with("clock = 0999s\n"));
    }
}

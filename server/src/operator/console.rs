use std::io;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tribune_cli::is_closed_pipe;
use tribune_protocol::{ServerLine, State, text::EventFormatter};

use crate::feed::{Delivery, Subscription};

/// About how many bytes of the feed go into one write.
const BYTES_PER_WRITE: usize = 64 << 10;

/// Standard output, on which the game is shown line by line.
///
/// It subscribes to the feed like an exporter would: if its output is not read, it falls behind, and
/// the game does not wait for it.
#[derive(Debug)]
pub struct Console {
    feed: Subscription,
    formatter: EventFormatter,
}

impl Console {
    /// A console that shows every event of `feed`, which begins after `state`.
    pub fn new(feed: Subscription, state: &State) -> Self {
        let mut formatter = EventFormatter::default();
        formatter.begin(state);
        Self { feed, formatter }
    }

    /// Writes the game to `out` until it ends, or until `out` is closed. Calls `missed` with the number
    /// of events that it had to leave out because `out` was not read in time.
    pub async fn run(mut self, mut out: impl AsyncWrite + Unpin, missed: impl Fn(u64)) {
        if let Err(error) = self.write_all(&mut out, missed).await
            && !is_closed_pipe(&error)
        {
            tracing::warn!(%error, "cannot write to standard output: it stays silent from now on");
        }
    }

    async fn write_all(
        &mut self,
        out: &mut (impl AsyncWrite + Unpin),
        missed: impl Fn(u64),
    ) -> io::Result<()> {
        let Self { feed, formatter } = self;
        while let Some(delivery) = feed.next(BYTES_PER_WRITE).await {
            match delivery {
                Delivery::Missed(count) => missed(count),
                Delivery::Lines(lines) => {
                    out.write_all(format_lines(formatter, lines).as_bytes()).await?;
                    out.flush().await?;
                }
            }
        }
        Ok(())
    }
}

/// What is shown of the events in `lines`.
fn format_lines(formatter: &mut EventFormatter, lines: &[u8]) -> String {
    let mut text = String::new();
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        if let Ok(ServerLine::Event(event)) = ServerLine::parse(line)
            && let Some(shown) = formatter.format(&event)
        {
            text.push_str(&shown);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tribune_protocol::{BoardSize, Event, EventKind, Seq};

    use super::*;
    use crate::{
        feed::FeedWriter,
        log::{Batch, MIN_LOG_BYTES},
    };

    fn state(seq: Seq) -> State {
        let board = BoardSize { width: 1, height: 1 };
        State::new(seq, board)
    }

    fn batch(first: u64, clocks: std::ops::Range<u64>) -> Batch {
        let mut batch = Batch::default();
        for (seq, clock) in (first..).zip(clocks) {
            batch.push(&Event { seq: Seq(seq), ms: 0, kind: EventKind::Clock { clock } });
        }
        batch
    }

    #[tokio::test]
    async fn shows_the_feed_to_its_end() {
        for first in [1, 1000] {
            let mut feed = FeedWriter::new(state(Seq(first - 1)), MIN_LOG_BYTES).unwrap();
            let console = Console::new(feed.subscribe(), &state(Seq(first - 1)));
            feed.publish(&batch(first, 0..3)).await.unwrap();
            drop(feed);
            let mut out = Vec::new();
            console.run(&mut out, |missed| panic!("{missed} events")).await;
            assert_eq!(
                String::from_utf8(out).unwrap(),
                "clock = 0000s\nclock = 0001s\nclock = 0002s\n"
            );
        }
    }

    #[tokio::test]
    async fn counts_events_that_fell_out_of_the_log() {
        let mut feed = FeedWriter::new(state(Seq(0)), MIN_LOG_BYTES).unwrap();
        let console = Console::new(feed.subscribe(), &state(Seq(0)));
        feed.publish(&batch(1, 0..1000)).await.unwrap();
        drop(feed);
        let mut out = Vec::new();
        let missed = Cell::new(0);
        console.run(&mut out, |count| missed.set(count)).await;
        let out = String::from_utf8(out).unwrap();
        assert!(missed.get() > 0);
        assert_eq!(missed.get() + out.lines().count() as u64, 1000);
        assert!(out.ends_with("clock = 0999s\n"));
    }
}

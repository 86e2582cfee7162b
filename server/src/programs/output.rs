use std::{
    io,
    num::NonZeroU32,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use tokio::{
    io::AsyncRead,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::{codec::FramedRead, sync::CancellationToken};
use tribune_protocol::{
    Gcra, Line, LineDecoder, MAX_CLIENT_LINE, OutputStream, WorkerId, json_length,
};

use super::{ProgramContext, line_classifier::LineClassifier, refusals::Refusals};
use crate::{
    feed::SubscriberHandle,
    game::{Input, OutputLine},
    limits::Roster,
    messages::Messages,
    observer::{ObservationKind, ObservedLine, Observer},
};

/// The maximum number of lines per input to the game, 64 KiB in all, so that other inputs do not wait for long.
const MAX_LINES_PER_INPUT: usize = 64;

/// The approximate size of an event in the log without its line or name.
const EVENT_BYTES: usize = 88;

/// After the program has exited, its output is complete when nothing was read for this long.
pub(super) const QUIET_PERIOD: Duration = Duration::from_millis(200);

/// The longest time for reading what is left after the program has exited: at most 64 KiB, which a
/// pipe can hold, take far less.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// One of the two output streams of a program.
#[derive(Debug)]
pub(super) struct Output {
    program: WorkerId,
    stream: OutputStream,
    classifier: LineClassifier,
    /// Lines per second; `None` for no limit.
    max_lines: Option<NonZeroU32>,
    /// Bytes per second that it can add to the log; `None` for no limit.
    max_bytes: Option<NonZeroU32>,
    mailbox: mpsc::Sender<Input>,
    refusals: Refusals,
    /// Set once either stream has had any output.
    has_printed: Arc<AtomicBool>,
    messages: Messages,
    observer: Observer,
}

impl Output {
    pub(super) fn new(
        program: WorkerId,
        stream: OutputStream,
        roster: Option<Arc<Mutex<Roster>>>,
        context: &ProgramContext,
        subscription: Option<SubscriberHandle>,
        has_printed: Arc<AtomicBool>,
    ) -> Self {
        Self {
            program,
            stream,
            classifier: LineClassifier::new(context.actions.clone(), roster),
            max_lines: context.limits.max_output_lines,
            max_bytes: context.limits.max_output_bytes,
            mailbox: context.mailbox.clone(),
            refusals: Refusals::new(program, subscription, context.messages.clone()),
            has_printed,
            messages: context.messages.clone(),
            observer: context.observer.clone(),
        }
    }

    /// Forwards all lines of `pipe` to the game. A program that prints faster than its limits has
    /// to wait, and loses nothing.
    ///
    /// Once the program and all that it has forked have exited, their last output is in the pipe. A
    /// pipe that stays open even then is held by a process that has detached itself, and its output
    /// is ignored.
    pub(super) async fn forward(
        mut self,
        pipe: impl AsyncRead + Unpin,
        program_exited: CancellationToken,
    ) {
        let mut line_limit = self.max_lines.map(|rate| Gcra::per_second(rate, rate));
        let mut byte_limit = self.max_bytes.map(|rate| Gcra::per_second(rate, rate));
        let mut was_throttled = false;
        let max_lines = self.max_lines.map_or(MAX_LINES_PER_INPUT, |rate| {
            usize::try_from(rate.get()).unwrap_or(MAX_LINES_PER_INPUT).min(MAX_LINES_PER_INPUT)
        });
        let decoder = LineDecoder::new(MAX_CLIENT_LINE);
        let mut lines = FramedRead::new(pipe, decoder).ready_chunks(max_lines);
        let mut drain_timeout = pin!(after(&program_exited, DRAIN_TIMEOUT));
        loop {
            let chunk = tokio::select! {
                chunk = lines.next() => chunk,
                () = after(&program_exited, QUIET_PERIOD) => None,
                () = &mut drain_timeout => None,
            };
            let Some(chunk) = chunk else { return };
            let count = chunk.len();
            let Some(bytes) = self.forward_chunk(chunk).await else { return };
            let now = Instant::now().into_std();
            let [line_delay, byte_delay] = [(&mut line_limit, count), (&mut byte_limit, bytes)]
                .map(|(limit, times)| {
                    limit.as_mut().map_or(Duration::ZERO, |limit| {
                        limit.record(times, now);
                        limit.delay(now)
                    })
                });
            if !byte_delay.is_zero() && !std::mem::replace(&mut was_throttled, true) {
                self.report_throttling();
            }
            let delay = line_delay.max(byte_delay);
            if !delay.is_zero() {
                // A program that has exited is not throttled any more.
                let _ = timeout(delay, program_exited.cancelled()).await;
            }
        }
    }

    /// Forwards `chunk`, and returns about how many bytes it adds to the log; `None` after an error,
    /// or if the game has ended.
    async fn forward_chunk(&mut self, chunk: Vec<io::Result<Line>>) -> Option<usize> {
        self.has_printed.store(true, Ordering::Relaxed);
        let mut lines = Vec::with_capacity(chunk.len());
        let mut readable = true;
        for line in chunk {
            match line {
                Ok(line) => lines.extend(self.read_line(&line)),
                Err(error) => {
                    tracing::warn!(worker = %self.program, %error, "cannot read the output of a program");
                    readable = false;
                }
            }
        }
        self.refusals.send().await;
        let (program, stream) = (self.program, self.stream);
        let bytes = lines.iter().map(logged_bytes).sum();
        let input = Input::Printed { program, stream, lines };
        (self.mailbox.send(input).await.is_ok() && readable).then_some(bytes)
    }

    /// What the game is to get of `line`; `None` if it is blank.
    fn read_line(&mut self, line: &Line) -> Option<OutputLine> {
        let cut = matches!(line, Line::Cut(_));
        let line = self.classifier.classify(line)?;
        if self.observer.is_active() {
            let (program, line) = (self.program, line.clone());
            self.observer.report(ObservationKind::Line { program, line });
        }
        Some(match line {
            ObservedLine::Action(action) => OutputLine::Action(action),
            ObservedLine::Refused(line, refusal) => {
                let now = Instant::now().into_std();
                let refused = Some(self.refusals.add(line.as_bytes(), refusal, now));
                OutputLine::Other { line, cut, refused }
            }
            ObservedLine::Plain(line, _) | ObservedLine::Error(line) => {
                OutputLine::Other { line, cut, refused: None }
            }
        })
    }

    /// Tells the operator that the byte limit slows the program down.
    fn report_throttling(&self) {
        let per_second = self.max_bytes.map_or(0, NonZeroU32::get);
        self.messages.say(format_args!(
            "ps#{} is slowed down, because its output adds more than {per_second} bytes per second to the log \
             (--output-bytes)",
            self.program
        ));
    }
}

/// Waits until `token` is cancelled, and then for `delay`.
pub(super) async fn after(token: &CancellationToken, delay: Duration) {
    token.cancelled().await;
    sleep(delay).await;
}

/// The approximate size in the log of the event for `line`.
fn logged_bytes(line: &OutputLine) -> usize {
    let text = match line {
        OutputLine::Action(action) => action.name.as_str(),
        OutputLine::Other { line, .. } => line,
    };
    EVENT_BYTES + json_length(text)
}

#[cfg(test)]
mod tests {
    use tribune_protocol::encode;

    use super::*;

    #[test]
    fn estimated_size_is_close_to_the_size_of_the_event() {
        use tribune_protocol::{Event, EventKind, Seq};
        for text in [
            "plain",
            "\u{1}\u{2}\u{1f}",
            "\"quoted\\",
            "grüße",
            &"\u{1}".repeat(1024),
            &"\u{7f}\u{9b}\u{e0041}".repeat(100),
        ] {
            let event = Event {
                seq: Seq(123_456),
                ms: 123_456,
                kind: EventKind::Output {
                    worker: WorkerId(1),
                    stream: OutputStream::Stdout,
                    line: text.to_owned(),
                    cut: false,
                    refused: None,
                },
            };
            let mut line = Vec::new();
            encode(&event, &mut line);
            let estimate = logged_bytes(&OutputLine::Other {
                line: text.to_owned(),
                cut: false,
                refused: None,
            });
            assert!(
                estimate.abs_diff(line.len()) <= 20,
                "{estimate} for {} of {text:?}",
                line.len()
            );
        }
    }
}

use std::{
    fmt::Display,
    io,
    num::NonZeroU32,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{
    io::AsyncRead,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::{codec::FramedRead, sync::CancellationToken};
use tribune_cli::quote;
use tribune_protocol::{
    ControlMessage, Line, LineDecoder, MAX_CLIENT_LINE, Move, MoveError, OutputStream, WorkerId,
    encode, json_length,
};

use crate::{
    feed::Subscription,
    game::{Input, Printed},
    limits::{RateLimit, Roster},
    messages::Messages,
};

/// How many lines go to the game at once, 64 KiB at most: so no other waits for long.
const LINES_PER_INPUT: usize = 64;

/// About what an event takes in the log besides the line or the name in it.
const EVENT_BYTES: usize = 88;

/// When the program has ended and nothing has come for so long, nothing of its own will.
const SILENCE: Duration = Duration::from_millis(200);

/// What a pipe holds, 64 KiB, is read in far less than this.
const LAST_LINES: Duration = Duration::from_secs(5);

/// One of the outputs of a program.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) worker: WorkerId,
    pub(super) stream: OutputStream,
    /// The players it may move. Standard error moves nobody.
    pub(super) roster: Option<Arc<Mutex<Roster>>>,
    /// Lines per second; `None` for as many as it likes.
    pub(super) rate: Option<NonZeroU32>,
    /// Bytes per second that it may add to the log; `None` for as many as it likes.
    pub(super) byte_rate: Option<NonZeroU32>,
    pub(super) mailbox: mpsc::Sender<Input>,
    /// Where the program is told what it did wrong.
    pub(super) subscription: Subscription,
    /// Set as soon as it has printed anything.
    pub(super) has_printed: Arc<AtomicBool>,
    /// Where people are told, once each, of a line that looks like a move and moves nobody, and
    /// that the program has to wait.
    pub(super) messages: Messages,
    pub(super) has_hinted: bool,
}

impl Output {
    /// Passes on what comes from `pipe` to its end, whatever it is. Whoever prints faster than the
    /// rate allows has to wait, and loses nothing.
    ///
    /// When the program and all it left behind have ended, what they printed is in the pipe. If it
    /// has no end even then, somebody who has gone his own way holds it, and is not listened to.
    pub(super) async fn forward(
        mut self,
        pipe: impl AsyncRead + Unpin,
        program_ended: CancellationToken,
    ) {
        let mut pace = self.rate.map(|rate| RateLimit::new(rate, rate));
        let mut byte_pace = self.byte_rate.map(|rate| RateLimit::new(rate, rate));
        let mut was_slowed = false;
        let most = self.rate.map_or(LINES_PER_INPUT, |rate| {
            usize::try_from(rate.get()).unwrap_or(LINES_PER_INPUT).min(LINES_PER_INPUT)
        });
        let mut lines = FramedRead::new(pipe, LineDecoder::new(MAX_CLIENT_LINE)).ready_chunks(most);
        let mut too_late = pin!(after(&program_ended, LAST_LINES));
        loop {
            let chunk = tokio::select! {
                chunk = lines.next() => chunk,
                () = after(&program_ended, SILENCE) => None,
                () = &mut too_late => None,
            };
            let Some(chunk) = chunk else { return };
            let count = chunk.len();
            let Some(bytes) = self.pass_on(chunk).await else { return };
            let now = Instant::now().into_std();
            let [pause, byte_pause] =
                [(&mut pace, count), (&mut byte_pace, bytes)].map(|(pace, times)| {
                    pace.as_mut().map_or(Duration::ZERO, |pace| pace.pause_after(times, now))
                });
            if !byte_pause.is_zero() && !std::mem::replace(&mut was_slowed, true) {
                self.tell_slowed();
            }
            let pause = pause.max(byte_pause);
            if !pause.is_zero() {
                // There is nobody to slow down any more once it has ended.
                let _ = timeout(pause, program_ended.cancelled()).await;
            }
        }
    }

    /// Passes on `chunk`, and gives about how many bytes that adds to the log; `None` if there will be
    /// no more.
    async fn pass_on(&mut self, chunk: Vec<io::Result<Line>>) -> Option<usize> {
        self.has_printed.store(true, Ordering::Relaxed);
        let mut refusals = Vec::new();
        let mut lines = Vec::with_capacity(chunk.len());
        let mut readable = true;
        for line in chunk {
            match line {
                Ok(line) => lines.extend(self.understand(line, &mut refusals)),
                Err(error) => {
                    tracing::warn!(worker = %self.worker, %error, "the output of a program cannot be read");
                    readable = false;
                }
            }
        }
        if !refusals.is_empty() {
            self.subscription.offer(refusals).await;
        }
        let (worker, stream) = (self.worker, self.stream);
        let bytes = lines.iter().map(logged_bytes).sum();
        let input = Input::Printed { program: worker, stream, lines };
        // A game that is over takes in nothing.
        (self.mailbox.send(input).await.is_ok() && readable).then_some(bytes)
    }

    /// What `line` is to the game; nothing if it is blank.
    fn understand(&mut self, line: Line, refusals: &mut Vec<u8>) -> Option<Printed> {
        let (bytes, is_whole) = match line {
            Line::Whole(bytes) => (bytes, true),
            Line::Cut(bytes) => {
                return Some(Printed::Other { line: beginning(&bytes), cut: true });
            }
            Line::Unfinished(bytes) => (bytes, false),
        };
        let text = String::from_utf8_lossy(&bytes);
        if text.trim().is_empty() {
            return None;
        }
        if is_whole && let Some(step) = self.admit(&bytes, refusals) {
            return Some(Printed::Move(step));
        }
        Some(Printed::Other { line: text.into_owned(), cut: false })
    }

    /// The move that `line` is, if this program may make it.
    fn admit(&mut self, line: &Bytes, refusals: &mut Vec<u8>) -> Option<Move> {
        let shared = self.roster.clone()?;
        let mut roster = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let step = match Move::parse(std::str::from_utf8(line).ok()?) {
            Ok(step) => step,
            Err(MoveError::Form) => return None,
            Err(error) => {
                self.hint(line, &error);
                return None;
            }
        };
        if let Err(refusal) = roster.check(&step.name).and_then(|()| roster.enter(&step.name)) {
            self.hint(line, &refusal.message);
            encode(
                &ControlMessage::Error { code: refusal.code, message: refusal.message },
                refusals,
            );
            return None;
        }
        Some(step)
    }

    /// Tells people that the program has to wait because of what it adds to the log.
    fn tell_slowed(&self) {
        let per_second = self.byte_rate.map_or(0, NonZeroU32::get);
        self.messages.say(format_args!(
            "ps#{} prints more than {per_second} bytes a second, as they stand in the log, so it has to wait \
             (--output-bytes)",
            self.worker
        ));
    }

    /// Tells people, once, why `line` moves nobody, which the console does not show.
    fn hint(&mut self, line: &[u8], why: &dyn Display) {
        if !std::mem::replace(&mut self.has_hinted, true) {
            let line = quote(line);
            self.messages
                .say(format_args!("ps#{} printed {line}, which is no move: {why}", self.worker));
        }
    }
}

/// Waits until `token` is cancelled, and then for `pause`.
async fn after(token: &CancellationToken, pause: Duration) {
    token.cancelled().await;
    sleep(pause).await;
}

/// About how many bytes the event of `line` takes in the log.
fn logged_bytes(line: &Printed) -> usize {
    let text = match line {
        Printed::Move(step) => step.name.as_str(),
        Printed::Other { line, .. } => line,
    };
    EVENT_BYTES + json_length(text)
}

/// The text that `bytes` are the beginning of, without a character of which only a part is there.
fn beginning(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..whole]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_line_does_not_end_within_a_character() {
        assert_eq!(beginning("abé".as_bytes()), "abé");
        assert_eq!(beginning(&"abé".as_bytes()[..3]), "ab");
        assert_eq!(beginning(b"ab\xffcd"), "ab\u{fffd}cd");
        assert_eq!(beginning(b""), "");
    }

    #[test]
    fn what_a_line_adds_to_the_log_is_about_what_its_event_takes() {
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
                },
            };
            let mut line = Vec::new();
            encode(&event, &mut line);
            let guess = logged_bytes(&Printed::Other { line: text.to_owned(), cut: false });
            assert!(guess.abs_diff(line.len()) <= 20, "{guess} for {} of {text:?}", line.len());
        }
    }
}

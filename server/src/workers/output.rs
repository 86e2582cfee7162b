use std::{
    fmt::Display,
    io,
    num::NonZeroU32,
    pin::pin,
    sync::{
        Arc,
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
    Line, LineDecoder, MAX_CLIENT_LINE, Move, MoveError, Notice, OutputStream, WorkerId, encode,
};

use crate::{
    admission::{RateLimit, Roster},
    broadcast::Membership,
    game::{Input, Printed},
    messages::Messages,
};

/// How many lines go to the game at once.
const LINES_PER_INPUT: usize = 256;

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
    pub(super) roster: Option<Roster>,
    /// Lines per second; `None` for as many as it likes.
    pub(super) rate: Option<NonZeroU32>,
    pub(super) mailbox: mpsc::Sender<Input>,
    /// Where the program is told what it did wrong.
    pub(super) membership: Membership,
    /// Set as soon as it has printed anything.
    pub(super) has_printed: Arc<AtomicBool>,
    /// Where people are told of the first line that looks like a move and moves nobody.
    pub(super) messages: Option<Messages>,
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
            if !self.pass_on(chunk).await {
                return;
            }
            if let Some(pace) = &mut pace {
                let pause = pace.pause_after(count, Instant::now().into_std());
                // There is nobody to slow down any more once it has ended.
                let _ = timeout(pause, program_ended.cancelled()).await;
            }
        }
    }

    /// Passes on `chunk`, and says whether there may be more.
    async fn pass_on(&mut self, chunk: Vec<io::Result<Line>>) -> bool {
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
            self.membership.offer(refusals).await;
        }
        let (worker, stream) = (self.worker, self.stream);
        let input = Input::Printed { worker, stream, lines };
        // A game that is over takes in nothing.
        self.mailbox.send(input).await.is_ok() && readable
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
        let roster = self.roster.as_mut()?;
        let step = match Move::parse(std::str::from_utf8(line).ok()?) {
            Ok(step) => step,
            Err(MoveError::Form) => return None,
            Err(error) => {
                self.hint(line, &error);
                return None;
            }
        };
        if let Err(refusal) = roster.check(&step.name) {
            self.hint(line, &refusal.message);
            encode(&Notice::Error { code: refusal.code, message: refusal.message }, refusals);
            return None;
        }
        roster.enter(&step.name);
        Some(step)
    }

    /// Tells people, once, why `line` moves nobody, which the console does not show.
    fn hint(&mut self, line: &[u8], why: &dyn Display) {
        if let Some(messages) = self.messages.take() {
            let line = quote(line);
            messages
                .say(format_args!("ps#{} printed {line}, which is no move: {why}", self.worker));
        }
    }
}

/// Waits until `token` is cancelled, and then for `pause`.
async fn after(token: &CancellationToken, pause: Duration) {
    token.cancelled().await;
    sleep(pause).await;
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
}

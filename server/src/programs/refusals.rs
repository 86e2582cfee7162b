use std::{num::NonZeroU32, time::Instant};

use tribune_protocol::{ControlMessage, ErrorCode, Gcra, Refusal, WorkerId, encode, text::quote};

use crate::{feed::SubscriberHandle, messages::Messages};

/// The most refused lines of a program that are answered at once, and per second on average: as many
/// as a client may have. Beyond that, only the `output` events have the code.
const MAX_REPLIES: NonZeroU32 = NonZeroU32::new(1000).expect("not 0");
const REPLIES_PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("not 0");

/// The most characters of the message of a reply.
const MAX_MESSAGE: usize = 256;

/// Reports the refused lines of a program: to the program on its standard input, and the first of
/// them to the operator.
#[derive(Debug)]
pub(super) struct Refusals {
    program: WorkerId,
    /// Where the program gets the stream, if it does.
    subscription: Option<SubscriberHandle>,
    messages: Messages,
    /// Whether the operator has had the hint.
    has_hinted: bool,
    replies: Replies,
}

/// Replies that are to be sent, of which there is a limit.
#[derive(Debug)]
struct Replies {
    limit: Gcra,
    /// The encoded lines.
    lines: Vec<u8>,
}

impl Refusals {
    pub(super) fn new(
        program: WorkerId,
        subscription: Option<SubscriberHandle>,
        messages: Messages,
    ) -> Self {
        Self { program, subscription, messages, has_hinted: false, replies: Replies::default() }
    }

    /// Adds a reply to `line`, which was refused at `now`, and returns the code of `refusal`.
    pub(super) fn add(&mut self, line: &[u8], refusal: Refusal, now: Instant) -> ErrorCode {
        self.hint_once(line, &refusal.message);
        let code = refusal.code;
        self.replies.add(refusal, now);
        code
    }

    /// Sends the replies so far, unless the program does not read them.
    pub(super) async fn send(&mut self) {
        let replies = std::mem::take(&mut self.replies.lines);
        if let Some(subscription) = self.subscription.as_ref().filter(|_| !replies.is_empty()) {
            subscription.offer(replies).await;
        }
    }

    /// Prints a hint for the operator, once: why `line` is not an action.
    fn hint_once(&mut self, line: &[u8], reason: &str) {
        if !std::mem::replace(&mut self.has_hinted, true) {
            let (program, line) = (self.program, quote(line));
            self.messages
                .say(format_args!("ps#{program} printed {line}, which is refused: {reason}"));
        }
    }
}

impl Default for Replies {
    fn default() -> Self {
        Self { limit: Gcra::per_second(REPLIES_PER_SECOND, MAX_REPLIES), lines: Vec::new() }
    }
}

impl Replies {
    /// Adds a reply with `refusal` at `now`, unless there are too many.
    fn add(&mut self, refusal: Refusal, now: Instant) {
        if self.limit.try_record(now) {
            let Refusal { code, message } = refusal;
            let message = shortened(message);
            encode(&ControlMessage::Error { code, message }, &mut self.lines);
        }
    }
}

/// `message` or its beginning.
fn shortened(message: String) -> String {
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_number_of_replies_is_limited() {
        let mut replies = Replies::default();
        let start = Instant::now();
        let mut replies_at = |seconds| {
            for _ in 0..5000 {
                let refusal = Refusal::new(ErrorCode::BadName, "a reason");
                replies.add(refusal, start + Duration::from_secs(seconds));
            }
            String::from_utf8(std::mem::take(&mut replies.lines)).unwrap().lines().count()
        };
        assert_eq!(replies_at(0), 1000);
        assert_eq!(replies_at(2), 100);
    }

    #[test]
    fn message_of_a_reply_is_bounded() {
        assert_eq!(shortened("x".repeat(256)), "x".repeat(256));
        assert_eq!(shortened("é".repeat(257)), format!("{}…", "é".repeat(256)));
    }
}

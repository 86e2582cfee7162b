use tokio::time::Instant;
use tribune_protocol::{EchoEnd, EchoReply, exchange_echo};

use super::{connect::connect, context::WorkerContext, job::StartedJob};
use crate::{
    failure::{Failure, FailureKind},
    measure::{Counts, Violation},
};

/// How the first line of a game server starts.
const WELCOME: &[u8] = b"{\"type\":\"welcome\"";

/// How every message starts.
const PREFIX: &str = "herd";

/// Sends one message to an echo server, and checks the reply.
pub(super) async fn echo(context: &WorkerContext, job: StartedJob) -> Result<(), Failure> {
    let plan = &context.run.plan;
    let mut stream = connect(plan, job.number).await?;
    context.tally().connected += 1;
    let message = message(job.number, plan.size);
    let deadline = Instant::now() + plan.timeout;
    let reply = exchange_echo(&mut stream, &message, deadline).await;
    record(context, job, &message, &reply);
    let limit = humantime::format_duration(plan.timeout);
    if reply.bytes.starts_with(WELCOME) {
        return Err(Failure::new(FailureKind::NoEcho, "it sent the welcome line of a game"));
    }
    match reply.end {
        EchoEnd::Failed(error) => Err(error.into()),
        EchoEnd::TimedOut if reply.completed_at.is_some() => {
            let detail = format!("the server replied, but did not close within {limit}");
            Err(Failure::new(FailureKind::Timeout, detail))
        }
        EchoEnd::TimedOut => {
            Err(Failure::new(FailureKind::Timeout, format!("no echo within {limit}")))
        }
        EchoEnd::Closed if reply.completed_at.is_none() => {
            let detail = format!("received {} of {} bytes", reply.bytes.len(), message.len());
            Err(Failure::new(FailureKind::ClosedEarly, detail))
        }
        EchoEnd::Closed => Ok(()),
    }
}

/// Records the `reply` to `message`, and its latency if it is correct.
fn record(context: &WorkerContext, job: StartedJob, message: &[u8], reply: &EchoReply) {
    let (counts, violation) = check(message, &reply.bytes, context.run.plan.size);
    let mut tally = context.tally();
    tally.counts += counts;
    if matches!(reply.end, EchoEnd::TimedOut) {
        tally.lost_by_timeout += counts.lost;
    }
    if let Some(violation) = violation {
        tally.record_violation(job.number, violation);
    }
    if let (Some(completed_at), None, EchoEnd::Closed) = (reply.completed_at, violation, &reply.end)
    {
        tally.service.record(completed_at - job.at);
        if let Some(due) = job.due {
            tally.response.record(completed_at - due);
        }
    }
}

/// A message of `size` bytes that is unique to the client `number`.
fn message(number: u64, size: usize) -> Vec<u8> {
    let mut message = format!("{PREFIX} {number} ").into_bytes();
    message.extend((b'a'..=b'z').cycle().take(size.saturating_sub(message.len())));
    message
}

/// Compares the `reply` with the `message` sent.
fn check(message: &[u8], reply: &[u8], size: usize) -> (Counts, Option<Violation>) {
    let mut counts = Counts { expected: 1, ..Counts::default() };
    let violation = if reply == message {
        counts.received = 1;
        None
    } else if reply.is_empty() {
        counts.lost = 1;
        Some(Violation::NoEcho)
    } else if reply.starts_with(message) {
        counts.received = 1;
        counts.duplicated = 1;
        Some(Violation::EchoAgain)
    } else if is_of_another(reply, size) {
        counts.out_of_order = 1;
        Some(Violation::EchoOfAnother)
    } else {
        counts.malformed = 1;
        Some(Violation::WrongEcho)
    };
    (counts, violation)
}

/// Whether `reply` is the message of some client.
fn is_of_another(reply: &[u8], size: usize) -> bool {
    let number =
        std::str::from_utf8(reply).ok().and_then(|text| text.split(' ').nth(1)?.parse().ok());
    number.is_some_and(|number| message(number, size) == reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_unique_and_of_the_right_size() {
        assert_eq!(message(7, 16), b"herd 7 abcdefghi");
        assert_eq!(message(1_000_000, 64).len(), 64);
        assert_ne!(message(1, 64), message(2, 64));
    }

    #[test]
    fn each_wrong_reply_is_classified_and_counted_once() {
        let sent = message(7, 30);
        let checked = |reply: &[u8]| check(&sent, reply, 30);
        assert_eq!(checked(&sent).1, None);
        assert_eq!(checked(b"").1, Some(Violation::NoEcho));
        assert_eq!(checked(&sent[..20]).1, Some(Violation::WrongEcho));
        assert_eq!(checked(&[&sent[..], &sent[..]].concat()).1, Some(Violation::EchoAgain));
        assert_eq!(checked(&message(8, 30)).1, Some(Violation::EchoOfAnother));
        let mut flipped = sent.clone();
        flipped[20] ^= 1;
        assert_eq!(checked(&flipped).1, Some(Violation::WrongEcho));
        for reply in [&sent[..], b"", b"x", &flipped] {
            let counts = checked(reply).0;
            let outcomes = counts.received + counts.lost + counts.malformed + counts.out_of_order;
            assert_eq!((counts.expected, outcomes), (1, 1));
        }
    }
}

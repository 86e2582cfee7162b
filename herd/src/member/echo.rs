use tokio::time::Instant;

use super::{Begun, Pen, connect::connect};
use tribune_protocol::{EchoEnd, EchoReply, exchange_echo};

use crate::{
    failure::{Failure, FailureKind},
    measure::{Counts, Offence},
};

/// What a game begins with.
const GAME: &[u8] = b"{\"type\":\"welcome\"";

/// What every message begins with.
const MARK: &str = "herd";

/// Sends one message, and checks what comes back.
pub(super) async fn echo(pen: &Pen, begun: Begun) -> Result<(), Failure> {
    let plan = &pen.herd.plan;
    let mut stream = connect(plan, begun.number).await?;
    pen.tally().joined += 1;
    let message = message(begun.number, plan.size);
    let deadline = Instant::now() + plan.timeout;
    let EchoReply { bytes: back, completed_at: answered, end } =
        exchange_echo(&mut stream, &message, deadline).await;
    let (counts, offence) = judge(&message, &back, plan.size);
    {
        let mut tally = pen.tally();
        tally.counts += counts;
        if matches!(end, EchoEnd::TimedOut) {
            tally.overdue += counts.lost;
        }
        if let Some(offence) = offence {
            tally.name(begun.number, offence);
        }
        if let (Some(answered), None, EchoEnd::Closed) = (answered, offence, &end) {
            tally.service.record(answered - begun.at);
            if let Some(intended) = begun.intended {
                tally.response.record(answered - intended);
            }
        }
    }
    let limit = humantime::format_duration(plan.timeout);
    if back.starts_with(GAME) {
        return Err(Failure::new(FailureKind::NoEcho, "it greets as a game does"));
    }
    match end {
        EchoEnd::Failed(error) => Err(error.into()),
        EchoEnd::TimedOut if answered.is_some() => {
            let detail = format!("the server answered, but did not close within {limit}");
            Err(Failure::new(FailureKind::Timeout, detail))
        }
        EchoEnd::TimedOut => {
            Err(Failure::new(FailureKind::Timeout, format!("no echo within {limit}")))
        }
        EchoEnd::Closed if answered.is_none() => {
            let detail = format!("{} of {} bytes came back", back.len(), message.len());
            Err(Failure::new(FailureKind::ClosedEarly, detail))
        }
        EchoEnd::Closed => Ok(()),
    }
}

/// A message of `size` bytes that no other member sends.
fn message(number: u64, size: usize) -> Vec<u8> {
    let mut message = format!("{MARK} {number} ").into_bytes();
    message.extend((b'a'..=b'z').cycle().take(size.saturating_sub(message.len())));
    message
}

/// What it means that `back` came back of `message`.
fn judge(message: &[u8], back: &[u8], size: usize) -> (Counts, Option<Offence>) {
    let mut counts = Counts { expected: 1, ..Counts::default() };
    let offence = if back == message {
        counts.received = 1;
        None
    } else if back.is_empty() {
        counts.lost = 1;
        Some(Offence::NoEcho)
    } else if back.starts_with(message) {
        counts.received = 1;
        counts.duplicated = 1;
        Some(Offence::EchoAgain)
    } else if is_of_another(back, size) {
        counts.out_of_order = 1;
        Some(Offence::EchoOfAnother)
    } else {
        counts.malformed = 1;
        Some(Offence::WrongEcho)
    };
    (counts, offence)
}

/// Whether `back` is the message of some member.
fn is_of_another(back: &[u8], size: usize) -> bool {
    let number =
        std::str::from_utf8(back).ok().and_then(|text| text.split(' ').nth(1)?.parse().ok());
    number.is_some_and(|number| message(number, size) == back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_their_size_and_differ() {
        assert_eq!(message(7, 16), b"herd 7 abcdefghi");
        assert_eq!(message(1_000_000, 64).len(), 64);
        assert_ne!(message(1, 64), message(2, 64));
    }

    #[test]
    fn whatever_comes_back_is_judged() {
        let sent = message(7, 30);
        let judged = |back: &[u8]| judge(&sent, back, 30);
        assert_eq!(judged(&sent).1, None);
        assert_eq!(judged(b"").1, Some(Offence::NoEcho));
        assert_eq!(judged(&sent[..20]).1, Some(Offence::WrongEcho));
        assert_eq!(judged(&[&sent[..], &sent[..]].concat()).1, Some(Offence::EchoAgain));
        assert_eq!(judged(&message(8, 30)).1, Some(Offence::EchoOfAnother));
        let mut flipped = sent.clone();
        flipped[20] ^= 1;
        assert_eq!(judged(&flipped).1, Some(Offence::WrongEcho));
        for back in [&sent[..], b"", b"x", &flipped] {
            let counts = judged(back).0;
            let outcomes = counts.received + counts.lost + counts.malformed + counts.out_of_order;
            assert_eq!((counts.expected, outcomes), (1, 1));
        }
    }
}

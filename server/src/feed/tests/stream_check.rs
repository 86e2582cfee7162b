//! A client that checks every line it gets.

use tribune_protocol::{ControlMessage, Seq, ServerLine};

/// What a client has got that checked its stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Checked {
    /// The last event.
    pub(super) last: Seq,
    /// How many replies.
    pub(super) replies: u64,
    /// How many events it got, missed, or had in its first state.
    pub(super) accounted: u64,
}

/// The lines of `stream`.
///
/// # Panics
/// If one is torn.
pub(super) fn parse(stream: &[u8]) -> impl Iterator<Item = ServerLine> {
    stream.split_inclusive(|&byte| byte == b'\n').map(|line| {
        assert!(line.ends_with(b"\n"), "a line is torn");
        ServerLine::parse(line).expect("a line is torn")
    })
}

/// Reads the `stream` as a client does.
///
/// # Panics
/// If an event is missing, comes twice or out of order, or a line is torn.
pub(super) fn check(stream: &[u8]) -> Checked {
    let mut lines = parse(stream);
    let Some(ServerLine::Control(ControlMessage::Welcome(welcome))) = lines.next() else {
        panic!("no welcome")
    };
    let Some(ServerLine::Control(ControlMessage::State(state))) = lines.next() else {
        panic!("no state")
    };
    assert_eq!(welcome.seq, state.seq);
    assert!(welcome.oldest <= state.seq.next(), "what follows the state is held");
    let mut checked = Checked { last: state.seq, replies: 0, accounted: state.seq.0 };
    let mut state_due = None;
    for line in lines {
        match line {
            ServerLine::Event(event) => {
                assert_eq!((event.seq, state_due), (checked.last.next(), None));
                checked.last = event.seq;
                checked.accounted += 1;
            }
            ServerLine::Control(ControlMessage::Resumed { after }) => checked.last = after,
            ServerLine::Control(ControlMessage::Resync { missed, seq }) => {
                checked.accounted += missed;
                state_due = Some(seq);
            }
            ServerLine::Control(ControlMessage::State(state)) => {
                assert_eq!(state_due.take(), Some(state.seq));
                checked.last = state.seq;
            }
            ServerLine::Control(ControlMessage::Pong { .. }) => checked.replies += 1,
            other => panic!("{other:?} was not expected"),
        }
    }
    assert_eq!(state_due, None);
    checked
}

//! A reader against a model: a client that checks every line it gets.

use std::{
    cell::{Cell, RefCell},
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;
use tokio::time::Instant;
use tribune_protocol::{
    BoardSize, ClosingCode, ControlMessage, Event, EventKind, Origin, Seq, ServerLine, State,
    WorkerId, WorkerState,
};

use super::super::{
    Greeting, Snapshot,
    outbound_queue::Frame,
    outgoing::{Closing, Outgoing},
    subscriber::{FlushContext, FlushOutcome, Subscriber},
};
use crate::log::{Batch, Log, MIN_LOG_BYTES, View};

/// A socket that takes as many bytes as it was given room for.
#[derive(Debug, Default)]
struct Narrow {
    room: Cell<usize>,
    taken: RefCell<Vec<u8>>,
}

impl Outgoing for &Narrow {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(self.room.get());
        if length == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room.set(self.room.get() - length);
        self.taken.borrow_mut().extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn try_flush(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.room.get() > 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    fn is_closable(&self) -> bool {
        true
    }

    fn finish(self) -> Option<Closing> {
        None
    }

    fn abort(self, notice: &[u8]) -> Option<Closing> {
        self.taken.borrow_mut().extend_from_slice(notice);
        None
    }
}

/// The game, as far as a reader knows it.
struct Source {
    log: Arc<Log>,
    view: View,
    snapshot: Arc<Snapshot>,
}

impl Source {
    fn new() -> Self {
        let log = Arc::new(Log::new(MIN_LOG_BYTES));
        Self { view: View::new(log.clone()), log, snapshot: snapshot(Seq(0)).into() }
    }

    fn append(&self, count: u64) {
        let mut batch = Batch::default();
        for seq in (self.log.head().0 + 1..).take(usize::try_from(count).unwrap()) {
            batch.push(&Event { seq: Seq(seq), ms: seq, kind: EventKind::Clock { clock: seq } });
        }
        self.log.append(&batch);
    }

    fn visit(&mut self, reader: &mut Subscriber<&Narrow>) -> FlushOutcome {
        self.view.refresh();
        let greeting =
            Greeting { game: tribune_protocol::GameId("g".into()), tick_ms: 1000, move_rate: 50 };
        let (view, latest, now) = (&self.view, &self.snapshot, Instant::now());
        let sight = FlushContext { view, snapshot: latest, greeting: &greeting, now };
        let visit = reader.visit(Origin::Program(WorkerId(1)), sight).unwrap();
        if visit == FlushOutcome::WantsSnapshot {
            self.snapshot = snapshot(self.log.head()).into();
        }
        visit
    }

    /// Visits `reader` until it has everything.
    fn catch_up(&mut self, reader: &mut Subscriber<&Narrow>, sink: &Narrow) {
        sink.room.set(usize::MAX / 2);
        let _ = reader.poll_unblock(&mut Context::from_waker(Waker::noop()));
        while self.visit(reader) != FlushOutcome::CaughtUp {}
    }
}

pub(super) fn snapshot(seq: Seq) -> Snapshot {
    let board = BoardSize { width: 1, height: 1 };
    Snapshot::new(State { seq, ms: 0, clock: 0, board, players: vec![], workers: vec![] })
}

/// A snapshot whose line has `size` bytes and a few more.
pub(super) fn large_snapshot(seq: Seq, size: usize) -> Snapshot {
    let board = BoardSize { width: 1, height: 1 };
    let workers = vec![WorkerState { id: WorkerId(1), label: "x".repeat(size) }];
    Snapshot::new(State { seq, ms: 0, clock: 0, board, players: vec![], workers })
}

fn reader(sink: &Narrow, at_least: Seq) -> Subscriber<&Narrow> {
    Subscriber::new(sink, at_least)
}

fn pong(id: u64) -> Vec<u8> {
    let mut line = Vec::new();
    tribune_protocol::encode(&ControlMessage::Pong { id: id.into() }, &mut line);
    line
}

/// Reads what was written as a client does, and gives the last event and the answers it got.
///
/// # Panics
/// If an event is missing, comes twice or out of order, or a line is torn.
pub(super) fn check(written: &[u8]) -> (Seq, usize) {
    let mut lines = written.split_inclusive(|&byte| byte == b'\n').map(|line| {
        assert!(line.ends_with(b"\n"), "a line is torn");
        ServerLine::parse(line).expect("a line is torn")
    });
    let Some(ServerLine::Control(ControlMessage::Welcome(welcome))) = lines.next() else {
        panic!("no welcome")
    };
    let Some(ServerLine::Control(ControlMessage::State(state))) = lines.next() else {
        panic!("no state")
    };
    assert_eq!(welcome.seq, state.seq);
    let (mut last, mut answers, mut state_due) = (state.seq, 0, None);
    for line in lines {
        match line {
            ServerLine::Event(event) => {
                assert_eq!((event.seq, state_due), (last.next(), None));
                last = event.seq;
            }
            ServerLine::Control(ControlMessage::Resumed { after }) => last = after,
            ServerLine::Control(ControlMessage::Resync { seq, .. }) => state_due = Some(seq),
            ServerLine::Control(ControlMessage::State(state)) => {
                assert_eq!(state_due.take(), Some(state.seq));
                last = state.seq;
            }
            ServerLine::Control(ControlMessage::Pong { .. }) => answers += 1,
            other => panic!("{other:?} was not to come"),
        }
    }
    assert_eq!(state_due, None);
    (last, answers)
}

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Room(usize),
    FlushOutcome,
    Answer,
    Resume(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u64..40).prop_map(Step::Append),
        1 => (100u64..300).prop_map(Step::Append),
        4 => (0usize..3000).prop_map(Step::Room),
        6 => Just(Step::FlushOutcome),
        1 => Just(Step::Answer),
        1 => prop_oneof![9 => 0u64..400, 1 => Just(u64::MAX)].prop_map(Step::Resume),
    ]
}

proptest! {
    #[test]
    fn a_reader_gets_whole_lines_in_order_whatever_its_socket_takes(
        before in 0u64..200,
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let mut source = Source::new();
        source.append(before);
        let sink = Narrow::default();
        let mut reader = reader(&sink, source.log.head());
        let mut asked = 0;
        for step in steps {
            match step {
                Step::Append(count) => source.append(count),
                Step::Room(room) => {
                    sink.room.set(room);
                    let _ = reader.poll_unblock(&mut Context::from_waker(Waker::noop()));
                }
                Step::FlushOutcome => {
                    if reader.blocked_since().is_none() {
                        source.visit(&mut reader);
                    }
                }
                Step::Answer => {
                    asked += 1;
                    reader.push(Frame::lines(pong(asked).into()));
                }
                Step::Resume(after) => reader.push(Frame::Resume(Seq(after))),
            }
        }
        source.catch_up(&mut reader, &sink);
        let (last, answers) = check(&sink.taken.borrow());
        prop_assert_eq!(last, source.log.head());
        prop_assert_eq!(answers as u64, asked);
    }

    #[test]
    fn one_who_never_resumes_is_told_exactly_how_much_he_missed(
        rooms in prop::collection::vec((0u64..200, 0usize..2000), 1..40),
    ) {
        let mut source = Source::new();
        let sink = Narrow::default();
        let mut reader = reader(&sink, Seq(0));
        for (count, room) in rooms {
            source.append(count);
            sink.room.set(room);
            let _ = reader.poll_unblock(&mut Context::from_waker(Waker::noop()));
            source.visit(&mut reader);
        }
        source.catch_up(&mut reader, &sink);
        let lines = sink.taken.borrow();
        let lines = lines.split_inclusive(|&byte| byte == b'\n').map(|line| ServerLine::parse(line).unwrap());
        let accounted: u64 = lines.map(|line| match line {
            ServerLine::Event(_) => 1,
            ServerLine::Control(ControlMessage::Resync { missed, .. }) => missed,
            ServerLine::Control(ControlMessage::Welcome(welcome)) => welcome.seq.0,
            _ => 0,
        }).sum();
        prop_assert_eq!(accounted, source.log.head().0);
    }

    #[test]
    fn last_words_come_after_a_whole_line(before in 1u64..50, room in 0usize..3000) {
        let mut source = Source::new();
        source.append(before);
        let sink = Narrow::default();
        let mut reader = reader(&sink, Seq(0));
        sink.room.set(room);
        source.visit(&mut reader);
        reader.close(ClosingCode::SlowClient, "you do not read");
        let written = sink.taken.borrow();
        let last = written.split_inclusive(|&byte| byte == b'\n').next_back().unwrap();
        let last = ServerLine::parse(last).unwrap();
        let ServerLine::Control(ControlMessage::Closing { code, .. }) = last else { panic!("{last:?}") };
        prop_assert_eq!(code, ClosingCode::SlowClient);
        for line in written.split_inclusive(|&byte| byte == b'\n') {
            prop_assert!(ServerLine::parse(line).is_ok());
        }
    }
}

#[test]
fn a_blocked_reader_holds_no_more_than_the_rest_of_a_line() {
    let mut source = Source::new();
    let sink = Narrow::default();
    let mut reader = reader(&sink, Seq(0));
    source.catch_up(&mut reader, &sink);
    source.append(10);
    sink.room.set(5);
    assert_eq!(source.visit(&mut reader), FlushOutcome::Blocked);
    let held = reader.held();
    for _ in 0..100 {
        source.append(100);
        source.view.refresh();
    }
    assert_eq!(reader.held(), held);
    assert!((1..200).contains(&held), "{held} bytes");
}

#[test]
fn a_large_state_serves_those_who_come_soon_after() {
    let mut source = Source::new();
    source.snapshot = large_snapshot(Seq(0), 8000).into();
    // Some 50 bytes each: less than a quarter of the state, and then more.
    source.append(20);
    let sink = Narrow::default();
    sink.room.set(usize::MAX / 2);
    let mut soon = reader(&sink, source.log.head());
    assert_eq!(source.visit(&mut soon), FlushOutcome::CaughtUp);
    assert_eq!(check(&sink.taken.borrow()).0, Seq(20));
    source.append(40);
    let mut later = reader(&sink, source.log.head());
    assert_eq!(source.visit(&mut later), FlushOutcome::WantsSnapshot);
}

#[test]
fn one_in_the_middle_of_a_large_state_holds_a_share_of_it() {
    let mut source = Source::new();
    source.snapshot = large_snapshot(Seq(0), 8000).into();
    let sink = Narrow::default();
    sink.room.set(3000);
    let mut reader = reader(&sink, Seq(0));
    assert_eq!(source.visit(&mut reader), FlushOutcome::Blocked);
    assert_eq!(reader.pinned().map(|snapshot| snapshot.seq), Some(Seq(0)));
    source.catch_up(&mut reader, &sink);
    assert!(reader.pinned().is_none());
    check(&sink.taken.borrow());
}

#[test]
fn a_reader_that_takes_all_there_is_gets_it_in_shares() {
    let mut source = Source::new();
    source.log = Arc::new(Log::new(4 << 20));
    source.view = View::new(source.log.clone());
    let sink = Narrow::default();
    let mut reader = reader(&sink, Seq(0));
    source.catch_up(&mut reader, &sink);
    // Some 50 bytes each.
    source.append(20_000);
    let mut visits = 1;
    while source.visit(&mut reader) == FlushOutcome::More {
        visits += 1;
    }
    assert!((2..=4).contains(&visits), "a megabyte took {visits} visits");
    assert_eq!(check(&sink.taken.borrow()).0, Seq(20_000));
}

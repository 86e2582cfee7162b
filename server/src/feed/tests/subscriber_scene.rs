//! A log and a subscriber, with a connection between it and its client that takes as little as the
//! test likes.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::{io::AsyncWrite, time::Instant};
use tribune_protocol::{Origin, Seq, WorkerId};

use super::{
    events, permit,
    polled_stream::{Chunked, unchunk},
    state, welcome,
};
use crate::{
    feed::{
        Transport,
        outgoing::{Closing, Outgoing},
        snapshot::Snapshot,
        subscriber::{FlushContext, FlushOutcome, Subscriber},
    },
    log::{Log, MIN_LOG_BYTES, View},
};

/// A connection that takes as many bytes as it was given room for.
#[derive(Clone, Debug, Default)]
pub(super) struct Narrow(Arc<Mutex<NarrowState>>);

#[derive(Debug, Default)]
struct NarrowState {
    room: usize,
    taken: Vec<u8>,
}

impl Narrow {
    pub(super) fn set_room(&self, room: usize) {
        self.lock().room = room;
    }

    /// What it has taken.
    pub(super) fn taken(&self) -> Vec<u8> {
        self.lock().taken.clone()
    }

    fn take(&self, bytes: &[u8]) -> Option<usize> {
        let mut state = self.lock();
        let length = bytes.len().min(state.room);
        state.room -= length;
        state.taken.extend_from_slice(&bytes[..length]);
        (length > 0).then_some(length)
    }

    fn lock(&self) -> MutexGuard<'_, NarrowState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A byte stream that takes eight bytes at a time.
impl AsyncWrite for Narrow {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // The tests poll again by themselves.
        self.take(&bytes[..bytes.len().min(8)])
            .map_or(Poll::Pending, |taken| Poll::Ready(Ok(taken)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether a transport hands bytes to its connection directly, or frames them and is polled.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Direct,
    Framed,
}

/// A transport of either kind to a narrow connection.
pub(super) enum Pipe {
    Direct(Narrow),
    Framed(Transport),
}

impl Outgoing for Pipe {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Direct(narrow) => narrow.take(bytes).ok_or(io::ErrorKind::WouldBlock.into()),
            Self::Framed(transport) => transport.try_write(bytes),
        }
    }

    fn try_flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Direct(_) => Ok(true),
            Self::Framed(transport) => transport.try_flush(),
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Direct(narrow) if narrow.lock().room > 0 => Poll::Ready(()),
            Self::Direct(_) => Poll::Pending,
            Self::Framed(transport) => transport.poll_ready(cx),
        }
    }

    fn is_closable(&self) -> bool {
        true
    }

    fn finish(self) -> Option<Closing> {
        None
    }

    fn abort(self, notice: &[u8]) -> Option<Closing> {
        match self {
            Self::Direct(narrow) => {
                narrow.lock().taken.extend_from_slice(notice);
                None
            }
            Self::Framed(transport) => transport.abort(notice),
        }
    }
}

/// A log, a subscriber, and the connection between it and its client.
pub(super) struct Scene {
    pub(super) log: Arc<Log>,
    pub(super) view: View,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) kind: Kind,
    pub(super) narrow: Narrow,
    pub(super) subscriber: Subscriber<Pipe>,
}

impl Scene {
    /// A log that begins with event `first` and has `before` events when the subscriber joins.
    pub(super) fn new(kind: Kind, first: u64, before: u64) -> Self {
        Self::with_log(kind, Log::starting_at(Seq(first), MIN_LOG_BYTES).unwrap(), before)
    }

    pub(super) fn with_log(kind: Kind, log: Log, before: u64) -> Self {
        let (log, narrow) = (Arc::new(log), Narrow::default());
        let snapshot = Snapshot::new(state(log.head()));
        log.append(&events(log.head(), before));
        let pipe = pipe(kind, &narrow);
        let subscriber = Subscriber::new(pipe, log.head());
        let view = View::new(log.clone());
        Self { view, log, snapshot: snapshot.into(), kind, narrow, subscriber }
    }

    /// The same, with another subscriber that joins now.
    pub(super) fn rejoin(&mut self) {
        self.narrow = Narrow::default();
        self.subscriber = Subscriber::new(pipe(self.kind, &self.narrow), self.log.head());
    }

    pub(super) fn append(&self, count: u64) {
        self.log.append(&events(self.log.head(), count));
    }

    pub(super) fn flush(&mut self) -> FlushOutcome {
        self.view.refresh();
        let (view, snapshot, now) = (&self.view, &self.snapshot, Instant::now());
        let welcome = &welcome();
        let context = FlushContext { view, has_ended: false, snapshot, welcome, now };
        let outcome = self.subscriber.flush(Origin::program(WorkerId(1)), context).unwrap();
        if outcome == FlushOutcome::NeedsSnapshot {
            self.snapshot = Snapshot::new(state(self.log.head())).into();
        }
        outcome
    }

    /// Gives the connection `room` for as many bytes.
    pub(super) fn set_room(&mut self, room: usize) {
        self.narrow.set_room(room);
        let _ = self.subscriber.poll_unblock(&mut Context::from_waker(Waker::noop()));
    }

    /// Flushes the subscriber until it has everything.
    pub(super) fn catch_up(&mut self) {
        self.set_room(usize::MAX / 2);
        while self.flush() != FlushOutcome::CaughtUp {
            self.set_room(usize::MAX / 2);
        }
    }

    /// What the client has got.
    pub(super) fn received(&self) -> Vec<u8> {
        let taken = self.narrow.taken();
        match self.kind {
            Kind::Direct => taken,
            Kind::Framed => unchunk(&taken).0,
        }
    }
}

fn pipe(kind: Kind, narrow: &Narrow) -> Pipe {
    match kind {
        Kind::Direct => Pipe::Direct(narrow.clone()),
        Kind::Framed => Pipe::Framed(Transport::framed(narrow.clone(), Chunked, permit())),
    }
}

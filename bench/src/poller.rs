//! Waiting for sockets, by the system's own means: edge-triggered epoll, and nothing around it.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
};

/// How many sockets are told of at once.
const MOST: usize = 256;

/// Tells which sockets are ready.
#[allow(missing_debug_implementations, reason = "its events have none")]
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

/// What a socket is ready for.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The number it was added with.
    pub token: u64,
    /// There is something to read, or an end.
    pub readable: bool,
    /// There is room to write again.
    pub writable: bool,
}

impl Poller {
    /// A poller of no sockets.
    ///
    /// # Errors
    /// If the system has none to give.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(MOST) })
    }

    /// Watches `socket`, which is told of as `token`, until it is closed.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn add(&self, socket: &impl std::os::fd::AsFd, token: u64) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(token), flags)?)
    }

    /// Waits until something is ready, or for `patience`, and gives what is.
    ///
    /// # Errors
    /// If the system cannot say.
    pub fn wait(&mut self, patience: Option<Duration>) -> io::Result<Vec<Ready>> {
        self.events.clear();
        let timeout = patience.map(|patience| Timespec {
            tv_sec: i64::try_from(patience.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(patience.subsec_nanos()),
        });
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout.as_ref())?;
        let input = EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP;
        let ready = self.events.iter().map(|&event| {
            let flags = event.flags;
            Ready {
                token: event.data.u64(),
                readable: flags.intersects(input),
                writable: flags.contains(EventFlags::OUT),
            }
        });
        Ok(ready.collect())
    }
}

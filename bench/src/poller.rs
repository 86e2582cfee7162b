//! Waiting for sockets with edge-triggered epoll, and nothing around it.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
};

/// How many events one system call returns at most.
const MAX_EVENTS: usize = 256;

/// Reports which sockets are ready.
#[allow(missing_debug_implementations, reason = "the events of rustix do not implement it")]
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

/// What a socket is ready for.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The number it was added with.
    pub token: u64,
    /// There is something to read, or the peer has closed.
    pub readable: bool,
    /// There is room to write again.
    pub writable: bool,
}

impl Poller {
    /// A poller of no sockets.
    ///
    /// # Errors
    /// If the system call fails.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(MAX_EVENTS),
        })
    }

    /// Reports `socket` as `token` when it is ready, until it is closed.
    ///
    /// # Errors
    /// If the system call fails.
    pub fn add(&self, socket: &impl std::os::fd::AsFd, token: u64) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(token), flags)?)
    }

    /// Waits until a socket is ready, or for `timeout`, and returns all that are.
    ///
    /// # Errors
    /// If the system call fails.
    pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Vec<Ready>> {
        self.events.clear();
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
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

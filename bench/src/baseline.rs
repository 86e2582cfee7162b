//! The baseline: a bare loop that does nothing but write what arrived to every socket. With one write
//! per client and batch, no broadcast over TCP can cost much less.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
};

use crate::poller::Poller;

const SUBSCRIBERS: u64 = u64::MAX;
const PUBLISHERS: u64 = u64::MAX - 1;
const PUBLISHER: u64 = u64::MAX - 2;

/// How many bytes are kept for subscribers that are behind.
const MAX_KEPT: usize = 16 << 20;

struct Subscriber {
    socket: TcpStream,
    /// How many bytes it has got since the start.
    cursor: u64,
    blocked: bool,
}

#[derive(Default)]
struct Baseline {
    subscribers: Vec<Subscriber>,
    publisher: Option<TcpStream>,
    /// The bytes that arrived last.
    arrived: Vec<u8>,
    /// How many bytes came before `arrived`.
    before: u64,
}

/// Sends to all clients of `subscribers` what the last client of `publishers` sends.
///
/// # Errors
/// If a system call fails.
pub fn serve(subscribers: &TcpListener, publishers: &TcpListener) -> io::Result<()> {
    subscribers.set_nonblocking(true)?;
    publishers.set_nonblocking(true)?;
    let mut poller = Poller::new()?;
    poller.add(subscribers, SUBSCRIBERS)?;
    poller.add(publishers, PUBLISHERS)?;
    let mut baseline = Baseline::default();
    loop {
        let mut arrived = false;
        for ready in poller.wait(None)? {
            match ready.token {
                SUBSCRIBERS => baseline.accept(subscribers, &poller)?,
                PUBLISHERS => {
                    let (socket, _) = publishers.accept()?;
                    socket.set_nonblocking(true)?;
                    poller.add(&socket, PUBLISHER)?;
                    baseline.publisher = Some(socket);
                    arrived = true;
                }
                PUBLISHER => arrived = true,
                token if ready.writable => baseline.unblock(token),
                _ => {}
            }
        }
        // What arrives during a flush pass is written by the next.
        while arrived && baseline.read()? {
            baseline.flush_pass();
        }
    }
}

impl Baseline {
    fn accept(&mut self, listener: &TcpListener, poller: &Poller) -> io::Result<()> {
        loop {
            match listener.accept() {
                Ok((socket, _)) => {
                    socket.set_nonblocking(true)?;
                    socket.set_nodelay(true)?;
                    poller.add(&socket, self.subscribers.len() as u64)?;
                    let cursor = self.head();
                    self.subscribers.push(Subscriber { socket, cursor, blocked: false });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn head(&self) -> u64 {
        self.before + self.arrived.len() as u64
    }

    /// Reads what has arrived. Returns whether that is anything.
    fn read(&mut self) -> io::Result<bool> {
        let Some(publisher) = &mut self.publisher else { return Ok(false) };
        if self.arrived.len() > MAX_KEPT {
            let dropped = self.arrived.len() - MAX_KEPT / 2;
            self.arrived.drain(..dropped);
            self.before += dropped as u64;
        }
        let length = self.arrived.len();
        self.arrived.resize(length + (64 << 10), 0);
        let read = publisher.read(&mut self.arrived[length..]);
        self.arrived.truncate(length + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => {
                self.publisher = None;
                Ok(false)
            }
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn flush_pass(&mut self) {
        let mut index = 0;
        while index < self.subscribers.len() {
            if !self.subscribers[index].blocked {
                self.write(index);
            }
            index += 1;
        }
    }

    fn unblock(&mut self, token: u64) {
        let index = usize::try_from(token).unwrap_or(usize::MAX);
        if self.subscribers.get_mut(index).is_some_and(|one| std::mem::take(&mut one.blocked)) {
            self.write(index);
        }
    }

    fn write(&mut self, index: usize) {
        let one = &mut self.subscribers[index];
        let from = usize::try_from(one.cursor.saturating_sub(self.before)).unwrap_or(0);
        let rest = &self.arrived[from..];
        if rest.is_empty() {
            return;
        }
        match one.socket.write(rest) {
            Ok(length) => {
                one.cursor += length as u64;
                one.blocked = length < rest.len();
            }
            // The socket is full, or closed.
            Err(_) => one.blocked = true,
        }
    }
}

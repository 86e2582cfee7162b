//! The floor: a bare loop that does nothing but write what arrived to every socket. Nothing that
//! tells many clients over TCP can cost much less, one write a client and batch.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
};

use crate::poller::Poller;

const SUBSCRIBERS: u64 = u64::MAX;
const PUBLISHERS: u64 = u64::MAX - 1;
const PUBLISHER: u64 = u64::MAX - 2;

/// How much of what arrived is kept for those who are behind.
const KEPT: usize = 16 << 20;

struct Subscriber {
    socket: TcpStream,
    /// How many bytes it has got, counted from the beginning.
    cursor: u64,
    blocked: bool,
}

#[derive(Default)]
struct Floor {
    subscribers: Vec<Subscriber>,
    publisher: Option<TcpStream>,
    /// What arrived last, contiguous.
    arrived: Vec<u8>,
    /// How many bytes came before `arrived`.
    before: u64,
}

/// Sends to everyone who connects to `subscribers` what comes from whoever connects to `publishers`.
///
/// # Errors
/// If the system fails.
pub fn serve(subscribers: &TcpListener, publishers: &TcpListener) -> io::Result<()> {
    subscribers.set_nonblocking(true)?;
    publishers.set_nonblocking(true)?;
    let mut poller = Poller::new()?;
    poller.add(subscribers, SUBSCRIBERS)?;
    poller.add(publishers, PUBLISHERS)?;
    let mut floor = Floor::default();
    loop {
        let mut arrived = false;
        for ready in poller.wait(None)? {
            match ready.token {
                SUBSCRIBERS => floor.take_in(subscribers, &poller)?,
                PUBLISHERS => {
                    let (socket, _) = publishers.accept()?;
                    socket.set_nonblocking(true)?;
                    poller.add(&socket, PUBLISHER)?;
                    floor.publisher = Some(socket);
                    arrived = true;
                }
                PUBLISHER => arrived = true,
                token if ready.writable => floor.unblock(token),
                _ => {}
            }
        }
        // Whatever arrives during a walk makes another.
        while arrived && floor.read()? {
            floor.walk();
        }
    }
}

impl Floor {
    fn take_in(&mut self, listener: &TcpListener, poller: &Poller) -> io::Result<()> {
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

    /// Reads what has arrived, and says whether that is anything.
    fn read(&mut self) -> io::Result<bool> {
        let Some(publisher) = &mut self.publisher else { return Ok(false) };
        if self.arrived.len() > KEPT {
            let dropped = self.arrived.len() - KEPT / 2;
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

    fn walk(&mut self) {
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
            // Nothing goes in now, or it has gone.
            Err(_) => one.blocked = true,
        }
    }
}

//! The load: subscribers that count what they get, and a publisher, in one loop on one processor.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::{
    poller::Poller,
    process::{Observed, tcp_memory},
    system::System,
};

/// When it publishes as fast as it goes, so many events are under way at most: systems without a
/// way to slow down a publisher would drop those who are behind otherwise.
const AHEAD: usize = 4096;

/// How much is written to the publisher's connection at once.
const CHUNK: usize = 64 << 10;

/// Longer than any system needs to bring the last events to everyone.
const DRAIN: Duration = Duration::from_secs(20);

/// How long nothing may come before everybody is taken to be where he should be.
const QUIET: Duration = Duration::from_millis(500);

/// One address has some 28,000 ports to connect from; the rest of them is left to others.
const PORTS: usize = 20_000;

const PUBLISHER: u64 = u64::MAX;

/// What is to be published to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Subscribers that read.
    pub subscribers: usize,
    /// Subscribers that do not.
    pub frozen: usize,
    /// Events per second; `None` for as fast as it goes.
    pub rate: Option<u32>,
    /// For so long.
    pub seconds: u32,
    /// Whether the server's system calls are counted meanwhile, which costs it a little.
    pub counts_calls: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Events that were published.
    pub events: u64,
    /// Events that subscribers got, all together.
    pub deliveries: u64,
    /// From the first event to the last delivery.
    pub seconds: f64,
    /// Processor seconds of the server meanwhile.
    pub processor_seconds: f64,
    /// From the publisher's send to a subscriber's read, in microseconds.
    pub p50_us: u64,
    /// The same.
    pub p99_us: u64,
    /// The same.
    pub p999_us: u64,
    /// Connections per second, each until it was sure to be subscribed.
    pub connects_per_second: f64,
    /// Memory of the server before anybody connected, in bytes.
    pub memory_before: u64,
    /// When all were connected.
    pub memory_connected: u64,
    /// At the end.
    pub memory_after: u64,
    /// Memory of all sockets of the system when all were connected: both ends.
    pub tcp_memory_connected: u64,
    /// The most during the run.
    pub tcp_memory_most: u64,
    /// System calls of the server per delivery, if they were counted.
    pub calls_per_delivery: Option<f64>,
}

struct Subscriber {
    socket: TcpStream,
    received: usize,
}

struct Load {
    system: System,
    poller: Poller,
    subscribers: Vec<Subscriber>,
    frozen: Vec<TcpStream>,
    publisher: TcpStream,
    /// What is still to be written to the publisher's connection.
    outgoing: Vec<u8>,
    sent: Vec<Instant>,
    latency: Histogram<u64>,
    last_delivery: Instant,
    scratch: Vec<u8>,
}

/// Does `work` against `system`, whose process is `server`.
///
/// # Errors
/// If the system does not do its part: a run in which anything is lost is no result.
pub fn run(
    system: System,
    subscribe: SocketAddr,
    publish: SocketAddr,
    work: Work,
    server: Observed,
) -> anyhow::Result<Outcome> {
    let memory_before = server.memory();
    let begun = Instant::now();
    let mut load = Load::connect(system, subscribe, publish, work)?;
    load.wait_until_all_are_subscribed()?;
    let connected = begun.elapsed();
    load.wait_for_quiet()?;
    let (memory_connected, tcp_memory_connected) = (server.memory(), tcp_memory());
    let processor_before = server.processor_time();
    let counter = work.counts_calls.then(|| server.count_calls(work.seconds)).flatten();
    let start = Instant::now();
    let tcp_memory_most = load.publish(work, start)?;
    let events = load.sent.len();
    load.drain(events)?;
    let processor_seconds = server.processor_time().saturating_sub(processor_before).as_secs_f64();
    load.wait_for_quiet()?;
    for subscriber in &load.subscribers {
        ensure!(subscriber.received == events, "{} of {events} came", subscriber.received);
    }
    let count = load.subscribers.len() + load.frozen.len();
    Ok(Outcome {
        events: events as u64,
        deliveries: (events * load.subscribers.len()) as u64,
        seconds: (load.last_delivery - start).as_secs_f64(),
        processor_seconds,
        p50_us: load.latency.value_at_quantile(0.5),
        p99_us: load.latency.value_at_quantile(0.99),
        p999_us: load.latency.value_at_quantile(0.999),
        connects_per_second: per_second(count, connected),
        memory_before,
        memory_connected,
        memory_after: server.memory(),
        tcp_memory_connected,
        tcp_memory_most,
        calls_per_delivery: counter.and_then(|counter| {
            let calls = crate::process::calls_of(counter)?;
            Some(calls / per_second(events * load.subscribers.len(), Duration::from_secs(1)))
        }),
    })
}

#[expect(clippy::cast_precision_loss, reason = "it is shown to three digits")]
fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Connects to `server`, from one of as many addresses as it takes.
///
/// # Errors
/// If that fails.
pub fn connect(server: SocketAddr, number: usize) -> io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let ip = Ipv4Addr::from_bits(
        Ipv4Addr::LOCALHOST.to_bits() + u32::try_from(number / PORTS).unwrap_or(0),
    );
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    if number >= PORTS {
        bind(&socket, &SocketAddr::new(IpAddr::V4(ip), 0))?;
    }
    connect(&socket, &server)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Load {
    fn connect(
        system: System,
        subscribe: SocketAddr,
        publish: SocketAddr,
        work: Work,
    ) -> anyhow::Result<Self> {
        let poller = Poller::new()?;
        let mut publisher = connect(publish, 0).context("the publisher cannot connect")?;
        publisher.write_all(&system.introduce())?;
        publisher.set_nonblocking(true)?;
        poller.add(&publisher, PUBLISHER)?;
        let mut subscribers = Vec::with_capacity(work.subscribers);
        let mut frozen = Vec::with_capacity(work.frozen);
        for number in 0..work.subscribers + work.frozen {
            let mut socket = connect(subscribe, number).context("a subscriber cannot connect")?;
            socket.write_all(&system.subscribe(number as u64))?;
            if number < work.subscribers {
                socket.set_nonblocking(true)?;
                poller.add(&socket, number as u64)?;
                subscribers.push(Subscriber { socket, received: 0 });
            } else {
                frozen.push(socket);
            }
        }
        Ok(Self {
            system,
            poller,
            subscribers,
            frozen,
            publisher,
            outgoing: Vec::new(),
            sent: Vec::new(),
            latency: Histogram::new_with_bounds(1, 600_000_000, 3)?,
            last_delivery: Instant::now(),
            scratch: vec![0; 256 << 10],
        })
    }

    /// Publishes until everybody has got something, and then forgets all that.
    fn wait_until_all_are_subscribed(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN;
        let pause = Duration::from_millis(20);
        let (mut number, mut due) = (0, Instant::now());
        while self.subscribers.iter().any(|subscriber| subscriber.received < 3) {
            let now = Instant::now();
            ensure!(now < deadline, "not all subscribers get anything");
            if now >= due {
                self.system.publish(number, &mut self.outgoing);
                number += 1;
                due = now + pause;
            }
            self.turn(pause)?;
        }
        Ok(())
    }

    fn wait_for_quiet(&mut self) -> anyhow::Result<()> {
        let before = self.sent.len();
        while self.last_delivery.elapsed() < QUIET {
            self.turn(QUIET / 10)?;
        }
        if before == 0 {
            for subscriber in &mut self.subscribers {
                subscriber.received = 0;
            }
        }
        Ok(())
    }

    /// Publishes what is to be published, and gives the most memory that sockets took meanwhile.
    fn publish(&mut self, work: Work, start: Instant) -> anyhow::Result<u64> {
        let end = start + Duration::from_secs(work.seconds.into());
        let (mut most, mut looked) = (0, start);
        while Instant::now() < end {
            let wait = match work.rate {
                Some(rate) => self.publish_due(start, rate),
                None => self.publish_ahead(),
            };
            self.turn(wait)?;
            if looked.elapsed() > Duration::from_millis(200) {
                looked = Instant::now();
                most = most.max(tcp_memory());
            }
        }
        Ok(most)
    }

    /// Publishes what is due, and says how long until more is.
    fn publish_due(&mut self, start: Instant, rate: u32) -> Duration {
        let interval = Duration::from_secs(1) / rate;
        let now = Instant::now();
        loop {
            let due = start + interval * u32::try_from(self.sent.len()).unwrap_or(u32::MAX);
            if due > now {
                return due - now;
            }
            self.system.publish(self.sent.len() as u64, &mut self.outgoing);
            self.sent.push(now);
        }
    }

    /// Publishes as much as may be under way.
    fn publish_ahead(&mut self) -> Duration {
        let slowest = self.subscribers.iter().map(|subscriber| subscriber.received).min();
        let most = slowest.unwrap_or(0) + AHEAD;
        let now = Instant::now();
        while self.sent.len() < most && self.outgoing.len() < CHUNK {
            self.system.publish(self.sent.len() as u64, &mut self.outgoing);
            self.sent.push(now);
        }
        Duration::from_millis(1)
    }

    /// Waits until all have got `events`.
    fn drain(&mut self, events: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN;
        while self.subscribers.iter().any(|subscriber| subscriber.received < events) {
            ensure!(Instant::now() < deadline, "events were lost");
            self.turn(Duration::from_millis(10))?;
        }
        Ok(())
    }

    /// Writes what is to be written, and reads what comes within `patience`.
    fn turn(&mut self, patience: Duration) -> anyhow::Result<()> {
        self.write()?;
        for ready in self.poller.wait(Some(patience))? {
            if !ready.readable {
                continue;
            }
            if ready.token == PUBLISHER {
                self.ignore_answers()?;
            } else {
                self.read(usize::try_from(ready.token)?)?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> anyhow::Result<()> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        match self.publisher.write(&self.outgoing) {
            Ok(length) => drop(self.outgoing.drain(..length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("the publisher was cut off"),
        }
        Ok(())
    }

    fn ignore_answers(&mut self) -> anyhow::Result<()> {
        loop {
            match self.publisher.read(&mut self.scratch) {
                Ok(0) => bail!("the publisher was cut off"),
                Ok(length) if length < self.scratch.len() => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&mut self, number: usize) -> anyhow::Result<()> {
        loop {
            let subscriber = &mut self.subscribers[number];
            let length = match subscriber.socket.read(&mut self.scratch) {
                Ok(0) => bail!("a subscriber was cut off"),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a subscriber was cut off"),
            };
            let now = Instant::now();
            let marks = memchr::memchr_iter(self.system.mark(), &self.scratch[..length]).count();
            for sent in self.sent.iter().skip(subscriber.received).take(marks) {
                let us = u64::try_from((now - *sent).as_micros()).unwrap_or(u64::MAX);
                self.latency.saturating_record(us);
            }
            subscriber.received += marks;
            self.last_delivery = now;
            if length < self.scratch.len() {
                return Ok(());
            }
        }
    }
}

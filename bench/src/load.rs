//! The load: subscribers that count what they get, and a publisher, in one loop on one processor.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;

use crate::{
    connect::connect,
    metric::real,
    outcome::Outcome,
    poller::Poller,
    server_process::{ServerProcess, counted_calls, tcp_memory},
    system::System,
    work::Work,
};

/// At the maximum rate, the publisher is at most this many events ahead of the slowest subscriber.
/// Systems that cannot slow down a publisher would drop slow subscribers otherwise.
const MAX_AHEAD: usize = 4096;

/// How many bytes wait to be written to the publisher's connection, at most, before more is added.
const CHUNK: usize = 64 << 10;

/// Longer than any system needs to deliver the last events.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(20);

/// When nothing has arrived for so long, nothing more is under way.
const QUIET: Duration = Duration::from_millis(500);

const PUBLISHER: u64 = u64::MAX;

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
    /// When each event was published.
    sent: Vec<Instant>,
    latency: Histogram<u64>,
    last_delivery: Instant,
    scratch: Vec<u8>,
}

/// Runs `work` against `system`, whose process is `server`.
///
/// # Errors
/// If a connection is lost, or a subscriber does not get every event: such a run has no result.
pub fn run(
    system: System,
    subscribe: SocketAddr,
    publish: SocketAddr,
    work: Work,
    server: ServerProcess,
) -> anyhow::Result<Outcome> {
    let memory_before = server.memory();
    let connecting = Instant::now();
    let mut load = Load::connect(system, subscribe, publish, work)?;
    load.wait_until_all_are_subscribed()?;
    let connected_after = connecting.elapsed();
    load.wait_for_quiet()?;
    let memory_connected = server.memory();
    let processor_before = server.processor_time();
    let counter = work.counts_calls.then(|| server.count_calls(work.seconds)).flatten();
    let start = Instant::now();
    let tcp_memory_max = load.publish(work, start)?;
    let events = load.sent.len();
    load.drain(events)?;
    let processor_time = server.processor_time().saturating_sub(processor_before);
    load.wait_for_quiet()?;
    for Subscriber { received, .. } in &load.subscribers {
        ensure!(*received == events, "a subscriber got {received} of {events} events");
    }
    let connections = load.subscribers.len() + load.frozen.len();
    let deliveries = (events * load.subscribers.len()) as u64;
    Ok(Outcome {
        events: events as u64,
        deliveries,
        seconds: (load.last_delivery - start).as_secs_f64(),
        processor_seconds: processor_time.as_secs_f64(),
        p50_us: load.latency.value_at_quantile(0.5),
        p99_us: load.latency.value_at_quantile(0.99),
        p999_us: load.latency.value_at_quantile(0.999),
        connects_per_second: real(connections) / connected_after.as_secs_f64(),
        memory_before,
        memory_connected,
        tcp_memory_max,
        calls_per_delivery: counter.and_then(counted_calls).map(|calls| calls / real(deliveries)),
    })
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
        publisher.write_all(&system.publisher_greeting())?;
        publisher.set_nonblocking(true)?;
        poller.add(&publisher, PUBLISHER)?;
        let mut subscribers = Vec::with_capacity(work.subscribers);
        let mut frozen = Vec::with_capacity(work.frozen);
        for number in 0..work.connections() {
            let mut socket = connect(subscribe, number).context("a subscriber cannot connect")?;
            socket.write_all(&system.subscriber_greeting(number as u64))?;
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

    /// Publishes until each subscriber has got an event.
    fn wait_until_all_are_subscribed(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        let interval = Duration::from_millis(20);
        let (mut number, mut due) = (0, Instant::now());
        let before = self.system.lines_before_events();
        while self.subscribers.iter().any(|subscriber| subscriber.received <= before) {
            let now = Instant::now();
            ensure!(now < deadline, "not all subscribers get events");
            if now >= due {
                self.system.publish(number, &mut self.outgoing);
                number += 1;
                due = now + interval;
            }
            self.turn(interval)?;
        }
        Ok(())
    }

    /// Reads until nothing more arrives. Before the first event is measured, what was received so far
    /// is not counted.
    fn wait_for_quiet(&mut self) -> anyhow::Result<()> {
        while self.last_delivery.elapsed() < QUIET {
            self.turn(QUIET / 10)?;
        }
        if self.sent.is_empty() {
            for subscriber in &mut self.subscribers {
                subscriber.received = 0;
            }
        }
        Ok(())
    }

    /// Publishes events as `work` says, and returns the maximum memory of all sockets meanwhile, in
    /// bytes.
    fn publish(&mut self, work: Work, start: Instant) -> anyhow::Result<u64> {
        let end = start + Duration::from_secs(work.seconds.into());
        let (mut max, mut sampled) = (0, start);
        while Instant::now() < end {
            let wait = match work.rate {
                Some(rate) => self.publish_due(start, rate),
                None => self.publish_at_maximum_rate(),
            };
            self.turn(wait)?;
            if sampled.elapsed() > Duration::from_millis(200) {
                sampled = Instant::now();
                max = max.max(tcp_memory());
            }
        }
        Ok(max)
    }

    /// Publishes the events that are due, and returns the time until the next one is.
    fn publish_due(&mut self, start: Instant, rate: NonZeroU32) -> Duration {
        let interval = Duration::from_secs(1) / rate.get();
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

    /// Publishes as many events as may be under way, and returns how long to wait at most.
    fn publish_at_maximum_rate(&mut self) -> Duration {
        let slowest = self.subscribers.iter().map(|subscriber| subscriber.received).min();
        let end = slowest.unwrap_or(0) + MAX_AHEAD;
        let now = Instant::now();
        while self.sent.len() < end && self.outgoing.len() < CHUNK {
            self.system.publish(self.sent.len() as u64, &mut self.outgoing);
            self.sent.push(now);
        }
        Duration::from_millis(1)
    }

    /// Waits until each subscriber has got `events`.
    fn drain(&mut self, events: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAIN_TIMEOUT;
        while self.subscribers.iter().any(|subscriber| subscriber.received < events) {
            ensure!(Instant::now() < deadline, "events were lost");
            self.turn(Duration::from_millis(10))?;
        }
        Ok(())
    }

    /// Writes what is to be written, and reads what arrives within `timeout`.
    fn turn(&mut self, timeout: Duration) -> anyhow::Result<()> {
        self.write()?;
        for ready in self.poller.wait(Some(timeout))? {
            if !ready.readable {
                continue;
            }
            if ready.token == PUBLISHER {
                self.ignore_replies()?;
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
            Err(error) => return Err(error).context("the publisher was disconnected"),
        }
        Ok(())
    }

    /// What a system sends to its publisher is not measured.
    fn ignore_replies(&mut self) -> anyhow::Result<()> {
        loop {
            match self.publisher.read(&mut self.scratch) {
                Ok(0) => bail!("the publisher was disconnected"),
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
                Ok(0) => bail!("a subscriber was disconnected"),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("a subscriber was disconnected"),
            };
            let now = Instant::now();
            let marks = memchr::memchr_iter(self.system.mark(), &self.scratch[..length]).count();
            for sent in self.sent.iter().skip(subscriber.received).take(marks) {
                let us = u64::try_from((now - *sent).as_micros()).unwrap_or(u64::MAX);
                self.latency.saturating_record(us);
            }
            subscriber.received += marks;
            // Some systems also send other things, such as pings.
            if marks > 0 {
                self.last_delivery = now;
            }
            if length < self.scratch.len() {
                return Ok(());
            }
        }
    }
}

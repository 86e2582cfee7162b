use std::{io, pin::pin, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tribune_protocol::{MAX_SERVER_LINE, Request};

use super::{
    connect::connect,
    context::WorkerContext,
    job::StartedJob,
    line_splitter::LineSplitter,
    player::Player,
    stream_checker::{CheckContext, StreamChecker},
};
use crate::{
    failure::{Failure, FailureKind},
    mode::Mode,
};

/// The most reads of one client before the others get their turn.
const READS_PER_TURN: usize = 8;

/// The longest time without an event, however slowly the game ticks.
const MAX_IDLE: Duration = Duration::from_secs(24 * 3600);

/// Follows a game, plays in it if that is the plan, and checks everything received.
pub(super) async fn follow_game(context: &WorkerContext, job: StartedJob) -> Result<(), Failure> {
    let plan = &context.run.plan;
    let stream = connect(plan, job.number).await?;
    let now = Instant::now();
    let player = (plan.mode == Mode::Play)
        .then(|| Player::new(job.number, plan.move_interval, plan.timeout, now));
    let mut spectator = Spectator {
        context,
        stream,
        lines: LineSplitter::default(),
        checker: StreamChecker::new(job.number, job.at, player),
        last_event_at: now,
        state_deadline: now + plan.timeout,
        hold_until: plan.hold.map(|hold| now + hold),
        drain: None,
    };
    spectator.follow().await
}

impl Drop for Spectator<'_> {
    /// Records the findings even if the job is aborted.
    fn drop(&mut self) {
        self.checker.finish(&mut self.context.tally());
    }
}

/// A client that follows a game.
struct Spectator<'a> {
    context: &'a WorkerContext,
    stream: TcpStream,
    lines: LineSplitter,
    checker: StreamChecker,
    last_event_at: Instant,
    /// When the state must have arrived.
    state_deadline: Instant,
    /// When the client leaves.
    hold_until: Option<Instant>,
    /// Set once the client is leaving.
    drain: Option<Drain>,
}

/// What a client that leaves still waits for, so that events under way are not taken for lost.
#[derive(Clone, Copy)]
struct Drain {
    /// The last event that any client has received.
    last: u64,
    /// How long it waits.
    deadline: Instant,
}

impl Spectator<'_> {
    async fn follow(&mut self) -> Result<(), Failure> {
        let run = &self.context.run;
        let mut leaving = pin!(run.leaving.cancelled());
        let mut over = pin!(run.over.cancelled());
        let mut timer = pin!(sleep_until(self.next_deadline()));
        loop {
            let is_closed = self.read_available()?;
            if let Some(bye) = self.checker.bye() {
                if run.comparison.confirm_bye(bye) {
                    run.over.cancel();
                }
                return Ok(());
            }
            if is_closed {
                let head = run.comparison.head();
                let unfinished = self.lines.unfinished();
                return self.checker.connection_closed(unfinished, head, &mut self.context.tally());
            }
            if self.handle_timers(Instant::now()).await? {
                return Ok(());
            }
            let next_deadline = self.next_deadline();
            if timer.is_elapsed() || next_deadline < timer.deadline() {
                timer.as_mut().reset(next_deadline);
            }
            tokio::select! {
                ready = self.stream.readable() => ready?,
                () = &mut timer => {}
                () = &mut leaving, if self.drain.is_none() => self.start_drain(),
                // Other clients have received the end of the game.
                () = &mut over, if self.drain.is_none() => self.start_drain(),
            }
        }
    }

    /// Leaves as soon as everything that other clients have received by now has arrived.
    fn start_drain(&mut self) {
        let run = &self.context.run;
        let deadline = Instant::now() + run.plan.timeout;
        self.drain = Some(Drain { last: run.comparison.head(), deadline });
    }

    /// Reads and checks what has arrived. Returns whether the server has closed the connection.
    fn read_available(&mut self) -> Result<bool, Failure> {
        let mut buffer = self.context.read_buffer.borrow_mut();
        for _ in 0..READS_PER_TURN {
            let length = match self.stream.try_read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    let head = self.context.run.comparison.head();
                    self.checker.connection_failed(head, &mut self.context.tally());
                    return Err(error.into());
                }
            };
            self.handle_chunk(&buffer[..length])?;
            // A short read has emptied the socket: another would cost a system call for nothing.
            if length < buffer.len() {
                break;
            }
        }
        Ok(false)
    }

    fn handle_chunk(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        let now = Instant::now();
        let before = self.checker.next_seq();
        let mut tally = self.context.tally();
        let mut check = CheckContext {
            comparison: &self.context.run.comparison,
            tally: &mut tally,
            now,
            at_us: self.context.micros(now),
        };
        let checker = &mut self.checker;
        self.lines.feed(chunk, |line| checker.handle_line(line, &mut check))?;
        if self.checker.next_seq() != before {
            self.last_event_at = now;
        }
        if self.lines.unfinished() > MAX_SERVER_LINE {
            return Err(Failure::new(FailureKind::NoGame, "it sent a line without an end"));
        }
        Ok(())
    }

    /// Does what is due at `now`. Returns whether the client is done.
    async fn handle_timers(&mut self, now: Instant) -> Result<bool, Failure> {
        if self.hold_until.is_some_and(|at| now >= at)
            && self.checker.has_state()
            && self.drain.is_none()
        {
            self.start_drain();
        }
        if let Some(drain) = self.drain
            && self.handle_drain(drain, now)?
        {
            return Ok(true);
        }
        self.check_timeouts(now)?;
        self.play(now).await?;
        Ok(false)
    }

    /// Returns whether everything that `drain` waits for has arrived.
    fn handle_drain(&mut self, drain: Drain, now: Instant) -> Result<bool, Failure> {
        let Drain { last, deadline } = drain;
        if self.checker.is_complete(last) {
            return Ok(true);
        }
        if now >= deadline {
            self.checker.time_out(last, &mut self.context.tally());
            let detail = format!("events up to {last}, which other clients have, did not arrive");
            return Err(Failure::new(FailureKind::Timeout, detail));
        }
        Ok(false)
    }

    fn check_timeouts(&mut self, now: Instant) -> Result<(), Failure> {
        if now >= self.state_deadline && !self.checker.has_state() {
            let limit = humantime::format_duration(self.context.run.plan.timeout);
            let detail = format!("no welcome and state within {limit}");
            return Err(Failure::new(FailureKind::Timeout, detail));
        }
        if now >= self.last_event_at + self.idle_timeout() {
            let head = self.context.run.comparison.head();
            self.checker.time_out(head, &mut self.context.tally());
            let limit = humantime::format_duration(self.idle_timeout());
            let detail = format!("no event for {limit}");
            return Err(Failure::new(FailureKind::Timeout, detail));
        }
        Ok(())
    }

    /// Sends the next move if one is due.
    async fn play(&mut self, now: Instant) -> Result<(), Failure> {
        self.checker.expire_late_move(now, &mut self.context.tally());
        if self.drain.is_some() || !self.checker.has_state() {
            return Ok(());
        }
        let next = match &mut self.checker.player {
            Some(player) => player.next_move(now, &mut self.context.tally()),
            None => None,
        };
        if let Some(next) = next {
            let mut line = Vec::new();
            Request::Act(next.into()).encode(&mut line);
            let limit = self.context.run.plan.timeout;
            let stuck = || Failure::new(FailureKind::Timeout, "a move could not be sent");
            timeout(limit, self.send(&line)).await.map_err(|_| stuck())??;
        }
        Ok(())
    }

    async fn send(&self, line: &[u8]) -> io::Result<()> {
        let mut rest = line;
        while !rest.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(rest) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// How long the stream may be silent: a running game sends an event at least once per tick interval.
    fn idle_timeout(&self) -> Duration {
        let ticks = self.checker.tick().saturating_mul(3);
        self.context.run.plan.timeout.max(ticks).min(MAX_IDLE)
    }

    /// When there is something to do even if nothing arrives.
    fn next_deadline(&self) -> Instant {
        let idle = self.last_event_at + self.idle_timeout();
        let drain = self.drain.map(|drain| drain.deadline);
        let is_playing = self.checker.has_state() && self.drain.is_none();
        let player = self.checker.player.as_ref().map(Player::next_deadline);
        let player = player.filter(|_| is_playing);
        let hold_until = self.hold_until.filter(|_| is_playing);
        let state = (!self.checker.has_state()).then_some(self.state_deadline);
        let deadlines = [Some(idle), drain, player, hold_until, state];
        deadlines.into_iter().flatten().min().unwrap_or(idle)
    }
}

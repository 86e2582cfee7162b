use std::{io, pin::pin, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};
use tribune_protocol::{MAX_SERVER_LINE, Request};

use super::{
    Begun, Pen,
    connect::connect,
    lines::Lines,
    player::Player,
    seat::{Seat, Surroundings},
};
use crate::{
    failure::{Failure, FailureKind},
    plan::Mode,
};

/// How much is read in one turn at most, in reads.
const READS_PER_TURN: usize = 8;

/// A game that ticks less often is not waited for.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Follows a game, plays in it if that is the plan, and checks what comes.
pub(super) async fn attend(pen: &Pen, begun: Begun) -> Result<(), Failure> {
    let plan = &pen.herd.plan;
    let stream = connect(plan, begun.number).await?;
    let now = Instant::now();
    let player = (plan.mode == Mode::Play)
        .then(|| Player::new(begun.number, plan.move_interval, plan.timeout, now));
    let mut spectator = Spectator {
        pen,
        stream,
        lines: Lines::default(),
        seat: Seat::new(begun.number, begun.at, player),
        heard: now,
        joins_by: now + plan.timeout,
        leaves_at: plan.stay.map(|stay| now + stay),
        farewell: None,
    };
    spectator.follow().await
}

impl Drop for Spectator<'_> {
    /// Also when it is interrupted, what it has found out is told.
    fn drop(&mut self) {
        self.seat.leave(&mut self.pen.tally());
    }
}

/// A member that follows a game.
struct Spectator<'a> {
    pen: &'a Pen,
    stream: TcpStream,
    lines: Lines,
    seat: Seat,
    /// When an event last came.
    heard: Instant,
    /// When it has to know the state at the latest.
    joins_by: Instant,
    /// When it has seen enough.
    leaves_at: Option<Instant>,
    /// Once all are to leave.
    farewell: Option<Farewell>,
}

/// What is waited for before leaving.
#[derive(Clone, Copy)]
struct Farewell {
    /// The last event that anybody has got.
    last: u64,
    /// How long.
    until: Instant,
}

impl Spectator<'_> {
    async fn follow(&mut self) -> Result<(), Failure> {
        let herd = &self.pen.herd;
        let mut leaving = pin!(herd.leaving.cancelled());
        let mut over = pin!(herd.over.cancelled());
        let mut timer = pin!(sleep_until(self.wakes_at()));
        loop {
            let has_ended = self.read_some()?;
            if let Some(bye) = self.seat.bye() {
                if herd.comparison.confirms_end(bye) {
                    herd.over.cancel();
                }
                return Ok(());
            }
            if has_ended {
                let head = herd.comparison.head();
                return self.seat.close(self.lines.unfinished(), head, &mut self.pen.tally());
            }
            if self.act(Instant::now()).await? {
                return Ok(());
            }
            let wakes_at = self.wakes_at();
            if timer.is_elapsed() || wakes_at < timer.deadline() {
                timer.as_mut().reset(wakes_at);
            }
            tokio::select! {
                ready = self.stream.readable() => ready?,
                () = &mut timer => {}
                () = &mut leaving, if self.farewell.is_none() => self.say_farewell(),
                // Others have got the end of the game.
                () = &mut over, if self.farewell.is_none() => self.say_farewell(),
            }
        }
    }

    /// From now on it waits only for what others have got already.
    fn say_farewell(&mut self) {
        let herd = &self.pen.herd;
        let until = Instant::now() + herd.plan.timeout;
        self.farewell = Some(Farewell { last: herd.comparison.head(), until });
    }

    /// Takes in what has come, and says whether that is the end.
    fn read_some(&mut self) -> Result<bool, Failure> {
        let mut scratch = self.pen.scratch.borrow_mut();
        // Whoever is sent more than it can take in is not to keep the others from their turn.
        for _ in 0..READS_PER_TURN {
            let length = match self.stream.try_read(&mut scratch) {
                Ok(0) => return Ok(true),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => {
                    self.seat.break_off(self.pen.herd.comparison.head(), &mut self.pen.tally());
                    return Err(error.into());
                }
            };
            self.take_in(&scratch[..length])?;
            // There is no more, and to ask would cost a system call.
            if length < scratch.len() {
                break;
            }
        }
        Ok(false)
    }

    fn take_in(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        let now = Instant::now();
        let before = self.seat.progress();
        let mut tally = self.pen.tally();
        let mut around = Surroundings {
            comparison: &self.pen.herd.comparison,
            tally: &mut tally,
            now,
            at_us: self.pen.micros(now),
        };
        let seat = &mut self.seat;
        self.lines.feed(chunk, |line| seat.hear(line, &mut around))?;
        if self.seat.progress() != before {
            self.heard = now;
        }
        if self.lines.unfinished() > MAX_SERVER_LINE {
            return Err(Failure::new(FailureKind::NoGame, "it sends an endless line"));
        }
        Ok(())
    }

    /// Does what is due at `now`, and says whether it was the last.
    async fn act(&mut self, now: Instant) -> Result<bool, Failure> {
        if self.leaves_at.is_some_and(|at| now >= at)
            && self.seat.has_joined()
            && self.farewell.is_none()
        {
            self.say_farewell();
        }
        if let Some(Farewell { last, until }) = self.farewell {
            if self.seat.is_complete(last) {
                return Ok(true);
            }
            if now >= until {
                let mut tally = self.pen.tally();
                self.seat.give_up_overdue(last, &mut tally);
                drop(tally);
                let detail = format!("it has not got all that others have, up to event {last}");
                return Err(Failure::new(FailureKind::Timeout, detail));
            }
        }
        if now >= self.joins_by && !self.seat.has_joined() {
            let limit = humantime::format_duration(self.pen.herd.plan.timeout);
            let detail = format!("no welcome and state within {limit}");
            return Err(Failure::new(FailureKind::Timeout, detail));
        }
        if now >= self.heard + self.patience() {
            let head = self.pen.herd.comparison.head();
            self.seat.give_up_overdue(head, &mut self.pen.tally());
            let patience = humantime::format_duration(self.patience());
            let detail = format!("no event came for {patience}");
            return Err(Failure::new(FailureKind::Timeout, detail));
        }
        self.play(now).await?;
        Ok(false)
    }

    async fn play(&mut self, now: Instant) -> Result<(), Failure> {
        self.seat.give_up_late_move(now, &mut self.pen.tally());
        if self.farewell.is_some() || !self.seat.has_joined() {
            return Ok(());
        }
        let step = match &mut self.seat.player {
            Some(player) => player.step(now, &mut self.pen.tally()),
            None => None,
        };
        if let Some(step) = step {
            let mut line = Vec::new();
            Request::Move(step).encode(&mut line);
            let limit = self.pen.herd.plan.timeout;
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

    /// How long nothing may come.
    fn patience(&self) -> Duration {
        // A game that goes on ticks.
        self.pen.herd.plan.timeout.max(self.seat.tick().saturating_mul(3)).min(DAY)
    }

    /// When there is something to do even if nothing comes.
    fn wakes_at(&self) -> Instant {
        let silence = self.heard + self.patience();
        let farewell = self.farewell.map(|farewell| farewell.until);
        let move_due = self.seat.player.as_ref().map(Player::wakes_at);
        // Without a state there is nobody to move yet, and after the farewell nobody any more.
        let move_due = move_due.filter(|_| self.seat.has_joined() && self.farewell.is_none());
        let leaves_at =
            self.leaves_at.filter(|_| self.seat.has_joined() && self.farewell.is_none());
        let joins_by = (!self.seat.has_joined()).then_some(self.joins_by);
        let times = [Some(silence), farewell, move_due, leaves_at, joins_by];
        times.into_iter().flatten().min().unwrap_or(silence)
    }
}

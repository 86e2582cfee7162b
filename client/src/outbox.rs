use std::{future::pending, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tribune_protocol::{ControlMessage, Event, EventKind, Move, Origin, ServerLine, Welcome};

use crate::pacer::Pacer;

/// A key that was pressed so long ago is not obeyed any more: a held key would otherwise move its
/// player for long after it was let go.
const STALE: Duration = Duration::from_millis(500);

/// A move that is to be sent.
#[derive(Clone, Debug)]
pub struct Turn {
    step: Move,
    /// When its key was pressed, if it is of no use much later.
    typed: Option<Instant>,
}

impl Turn {
    /// A move that is sent when its turn comes, however long that takes.
    pub fn patient(step: Move) -> Self {
        Self { step, typed: None }
    }

    /// A move whose key was pressed now.
    pub fn typed(step: Move) -> Self {
        Self { step, typed: Some(Instant::now()) }
    }

    /// The move.
    #[cfg(test)]
    pub fn step(&self) -> &Move {
        &self.step
    }
}

/// What becomes of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// It is to be sent now.
    Send(Move),
    /// It could not be sent in time.
    LeftOut(Move),
    /// There was none, and none will come.
    Ended,
}

/// The moves that are to be sent: each when the server allows it. It counts those that the server
/// has not answered yet.
#[derive(Debug)]
pub struct Outbox {
    turns: mpsc::Receiver<Turn>,
    /// Whether there is nothing left to do when all moves are answered.
    leaves: bool,
    /// The move that waits until it may be sent.
    next: Option<Turn>,
    has_ended: bool,
    pacer: Pacer,
    /// What the server calls this connection, and since when it can be sent to.
    you: Option<Origin>,
    ready_since: Instant,
    unanswered: u64,
}

impl Outbox {
    /// For the moves of `turns`. If it `leaves`, all [is done](Self::is_done) when they have ended and
    /// were answered.
    pub fn new(turns: mpsc::Receiver<Turn>, leaves: bool) -> Self {
        Self {
            turns,
            leaves,
            next: None,
            has_ended: false,
            pacer: Pacer::new(None),
            you: None,
            ready_since: Instant::now(),
            unanswered: 0,
        }
    }

    /// No moves at all.
    pub fn closed() -> Self {
        Self::new(mpsc::channel(1).1, false)
    }

    /// What is to be done next. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Outgoing {
        if self.next.is_none() && !self.has_ended {
            self.next = self.turns.recv().await;
        }
        let Some(turn) = &self.next else {
            if self.has_ended {
                pending::<()>().await;
            }
            self.has_ended = true;
            return Outgoing::Ended;
        };
        let is_stale =
            turn.typed.is_some_and(|typed| typed.max(self.ready_since).elapsed() > STALE);
        if !is_stale && let Some(ready_at) = self.pacer.ready_at() {
            sleep_until(ready_at).await;
        }
        let step = self.next.take().expect("there is one").step;
        if is_stale {
            return Outgoing::LeftOut(step);
        }
        self.pacer.count(Instant::now());
        self.unanswered += 1;
        Outgoing::Send(step)
    }

    /// The next move that is of no use when there is no connection. The others wait for the next
    /// connection. Dropping the future loses nothing.
    pub async fn next_in_vain(&mut self) -> Move {
        loop {
            if self.next.is_none() && !self.has_ended {
                self.next = self.turns.recv().await;
                self.has_ended = self.next.is_none();
            }
            match self.next.take_if(|turn| turn.typed.is_some()) {
                Some(turn) => return turn.step,
                None => pending().await,
            }
        }
    }

    /// Takes in the greeting of a new connection.
    pub fn greeted(&mut self, welcome: &Welcome) {
        self.pacer = Pacer::new(welcome.move_rate);
        self.you = Some(welcome.you);
        self.ready_since = Instant::now();
    }

    /// Takes in what the server says: it may be an answer.
    pub fn hear(&mut self, line: &ServerLine) {
        match line {
            ServerLine::Event(Event { kind: EventKind::Move { from, .. }, .. })
                if Some(*from) == self.you =>
            {
                self.unanswered = self.unanswered.saturating_sub(1);
            }
            ServerLine::Control(ControlMessage::Error { .. }) => {
                self.unanswered = self.unanswered.saturating_sub(1);
            }
            // The answers may be among what was skipped.
            ServerLine::Control(ControlMessage::Resync { .. }) => self.unanswered = 0,
            _ => {}
        }
    }

    /// Takes in that the connection is lost, and says how many moves were not answered.
    pub fn lose(&mut self) -> u64 {
        self.you = None;
        std::mem::take(&mut self.unanswered)
    }

    /// Whether nothing more is to be sent, and that is why one came.
    pub fn is_at_end(&self) -> bool {
        self.leaves && self.has_ended && self.next.is_none()
    }

    /// Whether this is not a good moment to end: there are moves that were to be made, and were not.
    pub fn is_cut_short(&self) -> bool {
        self.leaves && (self.next.is_some() || !self.turns.is_empty() || self.unanswered > 0)
    }

    /// Whether nothing more is to be sent, and all is answered.
    pub fn is_done(&self) -> bool {
        self.is_at_end() && self.unanswered == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Move {
        Move::parse(text).unwrap()
    }

    fn welcome(rate: u32) -> Welcome {
        serde_json::from_str(&format!(
            r#"{{"protocol":1,"game":"g","server":"0","you":"tcp#7","seq":0,"oldest":1,"tick_ms":1000,"move_rate":{rate}}}"#
        ))
        .unwrap()
    }

    fn line(text: &str) -> ServerLine {
        ServerLine::parse(text.as_bytes()).unwrap()
    }

    fn told(from: &str) -> ServerLine {
        line(&format!(
            r#"{{"type":"move","seq":1,"ms":0,"player":1,"name":"ann","from":"{from}","direction":"N","x":0,"y":0}}"#
        ))
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_done_when_the_input_has_ended_and_every_move_is_answered() {
        let (sender, turns) = mpsc::channel(8);
        let mut outbox = Outbox::new(turns, true);
        outbox.greeted(&welcome(0));
        for _ in 0..2 {
            sender.send(Turn::patient(step("N ann"))).await.unwrap();
            assert_eq!(outbox.next().await, Outgoing::Send(step("N ann")));
        }
        drop(sender);
        assert!(!outbox.is_done());
        assert_eq!(outbox.next().await, Outgoing::Ended);
        outbox.hear(&told("tcp#7"));
        outbox.hear(&told("tcp#8"));
        assert!(!outbox.is_done(), "one of them is not its own");
        outbox.hear(&line(r#"{"type":"error","code":"bad_name","message":"no"}"#));
        assert!(outbox.is_done());
    }

    #[tokio::test(start_paused = true)]
    async fn without_moves_it_never_ends_by_itself() {
        let mut outbox = Outbox::closed();
        assert_eq!(outbox.next().await, Outgoing::Ended);
        assert!(!outbox.is_done());
        let again = tokio::time::timeout(Duration::from_secs(3600), outbox.next()).await;
        assert!(again.is_err(), "it would be asked again and again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_key_does_not_move_its_player_after_it_is_let_go() {
        let (sender, turns) = mpsc::channel(64);
        let mut outbox = Outbox::new(turns, false);
        outbox.greeted(&welcome(2));
        // Two seconds of it, 30 times a second, and two moves a second.
        let hold = async move {
            for _ in 0..60 {
                sender.send(Turn::typed(step("N ann"))).await.unwrap();
                tokio::time::sleep(Duration::from_millis(33)).await;
            }
        };
        let start = Instant::now();
        let send = async {
            let (mut sent, mut left_out) = (0, 0);
            loop {
                match outbox.next().await {
                    Outgoing::Send(_) => sent += 1,
                    Outgoing::LeftOut(_) => left_out += 1,
                    Outgoing::Ended => return (sent, left_out, start.elapsed()),
                }
            }
        };
        let ((), (sent, left_out, took)) = tokio::join!(hold, send);
        assert_eq!(sent + left_out, 60);
        assert!((4..=6).contains(&sent), "{sent}");
        assert!(took < Duration::from_secs(5), "it goes on for {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_through_a_pipe_is_sent_however_long_it_takes() {
        let (sender, turns) = mpsc::channel(64);
        let mut outbox = Outbox::new(turns, true);
        outbox.greeted(&welcome(10));
        tokio::spawn(async move {
            for _ in 0..300 {
                sender.send(Turn::patient(step("N ann"))).await.unwrap();
            }
        });
        let (start, mut sent) = (Instant::now(), 0);
        while let Outgoing::Send(_) = outbox.next().await {
            sent += 1;
        }
        assert_eq!(sent, 300);
        assert!(start.elapsed() > Duration::from_secs(29), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_connection_keys_are_given_back_and_the_rest_waits() {
        let (sender, turns) = mpsc::channel(8);
        let mut outbox = Outbox::new(turns, true);
        sender.send(Turn::typed(step("N ann"))).await.unwrap();
        sender.send(Turn::patient(step("S ann"))).await.unwrap();
        assert_eq!(outbox.next_in_vain().await, step("N ann"));
        let more = tokio::time::timeout(Duration::from_secs(60), outbox.next_in_vain()).await;
        assert!(more.is_err());
        outbox.greeted(&welcome(0));
        assert_eq!(outbox.next().await, Outgoing::Send(step("S ann")));
    }
}

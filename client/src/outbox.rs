use std::{future::pending, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tribune_protocol::{
    ControlMessage, Event, EventKind, Origin, PlayerAction, ServerLine, Welcome,
};

use crate::{action_lines::LineSyntax, pacer::Pacer};

/// A key press that is older is dropped: otherwise a held key would move its player for long after it
/// was released.
const MAX_KEY_AGE: Duration = Duration::from_millis(500);

/// An action to be sent.
#[derive(Clone, Debug)]
pub struct QueuedAction {
    action: PlayerAction,
    /// When its key was pressed; `None` if it does not matter how long the action waits.
    pressed_at: Option<Instant>,
}

impl QueuedAction {
    /// An action that is sent however long it has to wait.
    pub fn without_expiry(action: PlayerAction) -> Self {
        Self { action, pressed_at: None }
    }

    /// An action whose key was pressed now.
    pub fn key_press(action: PlayerAction) -> Self {
        Self { action, pressed_at: Some(Instant::now()) }
    }

    /// The action.
    #[cfg(test)]
    pub fn action(&self) -> &PlayerAction {
        &self.action
    }
}

/// What to do next with the actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Send this action.
    Send(PlayerAction),
    /// This action could not be sent in time.
    Dropped(PlayerAction),
    /// No more actions will come.
    Ended,
}

/// The actions to be sent, paced to the rate that the server accepts. It counts those that the server has
/// not confirmed or refused yet. That may take as long as a turn of the game.
#[derive(Debug)]
pub struct Outbox {
    queue: mpsc::Receiver<QueuedAction>,
    /// Whether the client leaves when all actions are confirmed.
    leaves: bool,
    /// The next action, while it waits to be sent.
    next: Option<QueuedAction>,
    has_ended: bool,
    pacer: Pacer,
    /// How lines are read in this game; `None` before the first connection.
    syntax: watch::Sender<Option<LineSyntax>>,
    /// The origin of this connection's actions; `None` without a connection.
    you: Option<Origin>,
    /// When the connection was made.
    ready_since: Instant,
    unanswered: u64,
}

impl Outbox {
    /// An outbox for the actions of `queue`. If the client `leaves`, it [is done](Self::is_done) when the
    /// queue has ended and all actions are confirmed.
    pub fn new(queue: mpsc::Receiver<QueuedAction>, leaves: bool) -> Self {
        Self {
            queue,
            leaves,
            next: None,
            has_ended: false,
            pacer: Pacer::new(None),
            syntax: watch::Sender::new(None),
            you: None,
            ready_since: Instant::now(),
            unanswered: 0,
        }
    }

    /// An outbox without actions.
    pub fn closed() -> Self {
        Self::new(mpsc::channel(1).1, false)
    }

    /// How the lines that a player types are read in this game, once that is known.
    pub fn syntax(&self) -> watch::Receiver<Option<LineSyntax>> {
        self.syntax.subscribe()
    }

    /// Waits for what to do next. Cancel safe.
    pub async fn next(&mut self) -> Outgoing {
        if self.next.is_none() && !self.has_ended {
            self.next = self.queue.recv().await;
        }
        let Some(queued) = &self.next else {
            if self.has_ended {
                pending::<()>().await;
            }
            self.has_ended = true;
            return Outgoing::Ended;
        };
        let is_stale = queued
            .pressed_at
            .is_some_and(|pressed_at| pressed_at.max(self.ready_since).elapsed() > MAX_KEY_AGE);
        if !is_stale && let Some(ready_at) = self.pacer.ready_at() {
            sleep_until(ready_at).await;
        }
        let action = self.next.take().expect("there is one").action;
        if is_stale {
            return Outgoing::Dropped(action);
        }
        self.pacer.record(Instant::now());
        self.unanswered += 1;
        Outgoing::Send(action)
    }

    /// Waits for the next key press, while there is no connection to send it to. Other actions wait for
    /// the next connection. Cancel safe.
    pub async fn next_key_press(&mut self) -> PlayerAction {
        loop {
            if self.next.is_none() && !self.has_ended {
                self.next = self.queue.recv().await;
                self.has_ended = self.next.is_none();
            }
            match self.next.take_if(|queued| queued.pressed_at.is_some()) {
                Some(queued) => return queued.action,
                None => pending().await,
            }
        }
    }

    /// Handles the welcome on a new connection.
    pub fn handle_welcome(&mut self, welcome: &Welcome) {
        self.pacer = Pacer::new(welcome.move_rate);
        self.you = Some(welcome.you);
        self.syntax.send_replace(Some(LineSyntax::of(welcome.rules.as_deref())));
        self.ready_since = Instant::now();
    }

    /// Handles a line of the server, which may confirm or refuse an action.
    pub fn handle_line(&mut self, line: &ServerLine) {
        match line {
            ServerLine::Event(Event {
                kind: EventKind::Move { from, .. } | EventKind::Action { from, .. },
                ..
            }) if Some(*from) == self.you => {
                self.unanswered = self.unanswered.saturating_sub(1);
            }
            ServerLine::Control(ControlMessage::Error { .. }) => {
                self.unanswered = self.unanswered.saturating_sub(1);
            }
            // The confirmations may be among the events skipped.
            ServerLine::Control(ControlMessage::Resync { .. }) => self.unanswered = 0,
            _ => {}
        }
    }

    /// Handles the loss of the connection. Returns how many actions were not confirmed.
    pub fn disconnected(&mut self) -> u64 {
        self.you = None;
        std::mem::take(&mut self.unanswered)
    }

    /// Whether all actions were sent, and the client leaves after that.
    pub fn is_at_end(&self) -> bool {
        self.leaves && self.has_ended && self.next.is_none()
    }

    /// Whether actions would be lost if the game ended now.
    pub fn is_cut_short(&self) -> bool {
        // A line that has not been parsed yet has a place in the queue too.
        let has_queued = self.queue.capacity() < self.queue.max_capacity();
        self.leaves && (self.next.is_some() || has_queued || self.unanswered > 0)
    }

    /// Whether all actions are confirmed, and the client leaves after that.
    pub fn is_done(&self) -> bool {
        self.is_at_end() && self.unanswered == 0
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::Move;

    use super::*;

    fn step(text: &str) -> PlayerAction {
        Move::parse(text).unwrap().into()
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

    fn moved(from: &str) -> ServerLine {
        line(&format!(
            r#"{{"type":"move","seq":1,"ms":0,"player":1,"name":"ann","from":"{from}","direction":"N","x":0,"y":0}}"#
        ))
    }

    #[tokio::test(start_paused = true)]
    async fn is_done_when_the_queue_has_ended_and_all_moves_are_confirmed() {
        let (sender, queue) = mpsc::channel(8);
        let mut outbox = Outbox::new(queue, true);
        outbox.handle_welcome(&welcome(0));
        for _ in 0..2 {
            sender.send(QueuedAction::without_expiry(step("N ann"))).await.unwrap();
            assert_eq!(outbox.next().await, Outgoing::Send(step("N ann")));
        }
        drop(sender);
        assert!(!outbox.is_done());
        assert_eq!(outbox.next().await, Outgoing::Ended);
        outbox.handle_line(&moved("tcp#7"));
        outbox.handle_line(&moved("tcp#8"));
        assert!(!outbox.is_done(), "one of them is from another connection");
        outbox.handle_line(&line(r#"{"type":"error","code":"bad_name","message":"no"}"#));
        assert!(outbox.is_done());
    }

    #[tokio::test(start_paused = true)]
    async fn an_empty_outbox_is_never_done() {
        let mut outbox = Outbox::closed();
        assert_eq!(outbox.next().await, Outgoing::Ended);
        assert!(!outbox.is_done());
        let again = tokio::time::timeout(Duration::from_secs(3600), outbox.next()).await;
        assert!(again.is_err(), "polling it again must not spin");
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_key_does_not_move_its_player_after_its_release() {
        let (sender, queue) = mpsc::channel(64);
        let mut outbox = Outbox::new(queue, false);
        outbox.handle_welcome(&welcome(2));
        // 30 key presses per second for two seconds, at two moves per second.
        let hold = async move {
            for _ in 0..60 {
                sender.send(QueuedAction::key_press(step("N ann"))).await.unwrap();
                tokio::time::sleep(Duration::from_millis(33)).await;
            }
        };
        let start = Instant::now();
        let send = async {
            let (mut sent, mut dropped) = (0, 0);
            loop {
                match outbox.next().await {
                    Outgoing::Send(_) => sent += 1,
                    Outgoing::Dropped(_) => dropped += 1,
                    Outgoing::Ended => return (sent, dropped, start.elapsed()),
                }
            }
        };
        let ((), (sent, dropped, took)) = tokio::join!(hold, send);
        assert_eq!(sent + dropped, 60);
        assert!((4..=6).contains(&sent), "{sent}");
        assert!(took < Duration::from_secs(5), "it goes on for {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_expiry_moves_are_sent_however_long_they_wait() {
        let (sender, queue) = mpsc::channel(64);
        let mut outbox = Outbox::new(queue, true);
        outbox.handle_welcome(&welcome(10));
        tokio::spawn(async move {
            for _ in 0..300 {
                sender.send(QueuedAction::without_expiry(step("N ann"))).await.unwrap();
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
    async fn without_a_connection_key_presses_are_returned_and_other_moves_wait() {
        let (sender, queue) = mpsc::channel(8);
        let mut outbox = Outbox::new(queue, true);
        sender.send(QueuedAction::key_press(step("N ann"))).await.unwrap();
        sender.send(QueuedAction::without_expiry(step("S ann"))).await.unwrap();
        assert_eq!(outbox.next_key_press().await, step("N ann"));
        let more = tokio::time::timeout(Duration::from_secs(60), outbox.next_key_press()).await;
        assert!(more.is_err());
        outbox.handle_welcome(&welcome(0));
        assert_eq!(outbox.next().await, Outgoing::Send(step("S ann")));
    }

    #[tokio::test(start_paused = true)]
    async fn actions_are_confirmed_like_moves_however_late() {
        let (sender, queue) = mpsc::channel(8);
        let mut outbox = Outbox::new(queue, true);
        outbox.handle_welcome(&welcome(0));
        sender.send(QueuedAction::without_expiry(step("N ann"))).await.unwrap();
        drop(sender);
        outbox.next().await;
        outbox.next().await;
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(outbox.is_at_end() && !outbox.is_done());
        let action = |from: &str| {
            line(&format!(
                r#"{{"type":"action","seq":1,"ms":0,"player":1,"name":"ann","from":"{from}","action":"rock"}}"#
            ))
        };
        outbox.handle_line(&action("tcp#8"));
        assert!(!outbox.is_done());
        outbox.handle_line(&action("tcp#7"));
        assert!(outbox.is_done());
    }

    #[tokio::test]
    async fn a_line_that_waits_for_the_rules_is_cut_short_by_the_end_of_the_game() {
        let (sender, queue) = mpsc::channel(8);
        let mut outbox = Outbox::new(queue, true);
        assert!(!outbox.is_cut_short());
        let permit = sender.reserve().await.unwrap();
        assert!(outbox.is_cut_short());
        drop(permit);
        let mut syntax = outbox.syntax();
        outbox.handle_welcome(&welcome(0));
        assert_eq!(*syntax.wait_for(Option::is_some).await.unwrap(), Some(LineSyntax::Moves));
    }
}

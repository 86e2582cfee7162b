use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::mpsc,
    task::yield_now,
    time::sleep,
};
use tribune_protocol::{ActionSyntax, ClosingCode, ControlMessage, GameId, encode};

use super::{
    address_budgets::AddressBudgets,
    linger::{LINGER, LingerPermits, linger},
    request_handler::{Actions, ConnectionLimits, RequestHandler},
    session_input::{Next, SessionInput, Turn},
};
use crate::{feed::SubscriberHandle, game::Input, limits::PlayerPermits, tasks::catch_panic};

/// The most bytes that are read at once: some thousand moves.
const READ_SIZE: usize = 8 << 10;

/// What all sessions share.
#[derive(Debug)]
pub struct SessionContext {
    /// The game that is played.
    pub game: GameId,
    /// The actions that players can take.
    pub actions: Arc<ActionSyntax>,
    /// Where inputs go.
    pub mailbox: mpsc::Sender<Input>,
    /// The limits of each connection.
    pub limits: ConnectionLimits,
    /// Permits for players in the game.
    pub players: PlayerPermits,
    /// The budgets of addresses.
    pub addresses: AddressBudgets,
    /// The message to a client that speaks HTTP or TLS to the port of the game.
    pub wrong_port: String,
    /// Permits to linger for connections that were dismissed.
    pub lingering: LingerPermits,
}

/// The reading half of a connection: turns its lines into inputs and replies.
///
/// Most clients never send anything, so the state for handling lines is allocated with the first
/// byte, and bytes are read into a buffer on the stack: a silent client costs only this struct.
#[derive(Debug)]
pub(super) struct Session<R> {
    stream: R,
    address: IpAddr,
    subscription: SubscriberHandle,
    context: Arc<SessionContext>,
    input: Option<Box<SessionInput>>,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The peer closed its sending side, and may go on reading.
    HalfClosed,
    /// The connection broke.
    Broken,
    /// The server closes the connection because of what was sent.
    Dismissed,
}

impl<R: AsyncRead + Unpin> Session<R> {
    /// A session that reads `stream`, which comes from `address`.
    pub(super) fn new(
        stream: R,
        address: IpAddr,
        subscription: SubscriberHandle,
        context: Arc<SessionContext>,
    ) -> Self {
        Self { stream, address, subscription, context, input: None }
    }

    /// Reads to the end of the input.
    pub(super) async fn run(mut self) {
        let end = catch_panic("session", self.read_to_end()).await.unwrap_or(End::Broken);
        Box::pin(self.finish(end)).await;
    }

    async fn read_to_end(&mut self) -> End {
        let mut next = Next::Read;
        loop {
            let mut at_end = false;
            if next == Next::Read {
                match poll_fn(|cx| self.poll_read(cx)).await {
                    Ok(length) => at_end = length == 0,
                    Err(_) => return End::Broken,
                }
            }
            let context = self.context.clone();
            let turn = self.input().take_turn(&context.game, at_end);
            next = turn.next;
            // Boxed, as most sessions never come here.
            if Box::pin(self.finish_turn(turn)).await {
                return End::Dismissed;
            }
            if next == Next::End {
                return End::HalfClosed;
            }
        }
    }

    /// Reads what has come into the input, and returns its length; 0 at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut scratch = [const { MaybeUninit::uninit() }; READ_SIZE];
        let mut scratch = ReadBuf::uninit(&mut scratch);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut scratch))?;
        self.input().push(scratch.filled());
        Poll::Ready(Ok(scratch.filled().len()))
    }

    fn input(&mut self) -> &mut SessionInput {
        let Self { input, context, address, .. } = self;
        input.get_or_insert_with(|| {
            let budget = context.addresses.budget_of(*address);
            let handler = RequestHandler::new(
                context.actions.clone(),
                context.limits,
                context.players.clone(),
                budget,
            );
            Box::new(SessionInput::new(handler))
        })
    }

    /// Carries out the actions of `turn` and lets other tasks run. Returns `true` if the connection is
    /// to be closed.
    async fn finish_turn(&mut self, turn: Turn) -> bool {
        if self.carry_out(turn.actions).await {
            return true;
        }
        if turn.pause.is_zero() {
            yield_now().await;
        } else {
            sleep(turn.pause).await;
        }
        false
    }

    /// Carries out `actions`, and returns `true` if the connection is to be closed.
    async fn carry_out(&mut self, mut actions: Actions) -> bool {
        if !actions.acts.is_empty() {
            let from = self.subscription.origin();
            self.send_to_game(Input::Actions { from, actions: actions.acts }).await;
        }
        if let Some(code) = actions.closing {
            let message = match code {
                ClosingCode::WrongPort => self.context.wrong_port.clone(),
                _ => "too many of your lines were refused".to_owned(),
            };
            encode(&ControlMessage::Closing { code, message }, &mut actions.replies);
        }
        if !actions.replies.is_empty() {
            self.subscription.reply(actions.replies).await;
        }
        if let Some(after) = actions.resume {
            self.subscription.resume(after).await;
        }
        if let Some(code) = actions.closing {
            let origin = self.subscription.origin();
            tracing::info!(%origin, %code, "closing a connection");
            self.subscription.close().await;
        }
        actions.closing.is_some()
    }

    async fn finish(mut self, end: End) {
        if self.input.as_ref().is_some_and(|input| input.has_players()) {
            let reason = match end {
                End::HalfClosed => "connection closed",
                End::Dismissed => "too many errors",
                End::Broken => "connection lost",
            };
            let (from, reason) = (self.subscription.origin(), reason.to_owned());
            self.send_to_game(Input::Disconnected { from, reason }).await;
        }
        tracing::info!(origin = %self.subscription.origin(), ?end, "input ended");
        match end {
            End::HalfClosed => self.subscription.half_close().await,
            End::Dismissed => {
                // Its players have left, so it releases their permits before it lingers.
                self.input = None;
                if let Some(_permit) = self.context.lingering.try_acquire() {
                    linger(&mut self.stream, LINGER).await;
                }
            }
            End::Broken => self.subscription.leave().await,
        }
    }

    async fn send_to_game(&mut self, input: Input) {
        // A game that has ended has dropped its mailbox, and needs no input.
        let _ = self.context.mailbox.send(input).await;
    }
}

use std::{future::poll_fn, io, net::IpAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use tokio::{
    net::tcp::OwnedReadHalf,
    sync::mpsc,
    task::yield_now,
    time::{Instant, sleep},
};
use tribune_protocol::{
    ClosingCode, ConnectionId, ControlMessage, GameId, LineDecoder, MAX_CLIENT_LINE, Origin, encode,
};

use super::{
    address_budgets::AddressBudgets,
    conversation::{Actions, Conversation, Limits},
    linger::{Farewells, LINGER, linger},
};
use crate::{feed::SubscriberHandle, game::Input, limits::PlayerPermits, tasks::caught};

/// How much is read at once: some thousand moves.
const READ_SIZE: usize = 8 << 10;

/// After so many lines the others get their turn. A line costs less than half a microsecond, so a
/// turn takes a tenth of a millisecond: hundreds of connections that send as much as they can delay
/// each other, and the game, by hundredths of a second.
const LINES_PER_TURN: usize = 256;

/// What all sessions share.
#[derive(Debug)]
pub struct SessionContext {
    /// The game that is played.
    pub game: GameId,
    /// Where inputs go.
    pub mailbox: mpsc::Sender<Input>,
    /// What each connection may do.
    pub limits: Limits,
    /// Places for players in the game.
    pub places: PlayerPermits,
    /// What each address may add to the log.
    pub addresses: AddressBudgets,
    /// Who may be listened to after it was dismissed.
    pub farewells: Farewells,
}

/// The reading half of a connection: turns its lines into inputs and answers.
///
/// Most clients say nothing most of the time. What it takes to listen to those who do is in memory
/// of its own.
#[derive(Debug)]
pub(super) struct Session {
    id: ConnectionId,
    input: OwnedReadHalf,
    peer: IpAddr,
    subscription: SubscriberHandle,
    context: Arc<SessionContext>,
    speech: Option<Box<InputState>>,
}

/// What somebody who has said something has said.
#[derive(Debug)]
struct InputState {
    conversation: Conversation,
    decoder: LineDecoder,
    /// Bytes of endless lines that were skipped and not counted yet.
    skipped: usize,
    /// What has come of a line that has not ended.
    buffer: BytesMut,
}

/// What was heard in one turn.
struct ReadOutcome {
    asked: Actions,
    /// What comes after these lines.
    then: Then,
    /// How long to wait before that.
    pause: Duration,
}

/// What comes after the lines of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// More lines, which are here already.
    Lines,
    /// More bytes, or what has not come yet.
    Bytes,
    /// Nothing.
    End,
}

/// How a session ended.
enum End {
    /// The peer will say nothing more, but may go on reading.
    HalfClosed,
    /// The connection broke.
    Broken,
    /// The peer was told to go.
    Dismissed,
}

impl Session {
    /// A session with the connection `id`.
    pub(super) fn new(
        id: ConnectionId,
        input: OwnedReadHalf,
        peer: IpAddr,
        subscription: SubscriberHandle,
        context: Arc<SessionContext>,
    ) -> Self {
        Self { id, input, peer, subscription, context, speech: None }
    }

    /// Listens until the peer has nothing more to say.
    pub(super) async fn run(mut self) {
        let end = caught("session", self.listen()).await.unwrap_or(Ok(End::Broken));
        Box::pin(self.finish(end)).await;
    }

    async fn listen(&mut self) -> io::Result<End> {
        let mut then = Then::Bytes;
        loop {
            let has_ended = if then == Then::Bytes {
                // It takes no room here to wait in this way, for there is only one who does.
                poll_fn(|cx| self.input.as_ref().poll_read_ready(cx)).await?;
                match self.read() {
                    Ok(length) => length == 0,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(_) => return Ok(End::Broken),
                }
            } else {
                false
            };
            let heard = self.hear(has_ended);
            then = heard.then;
            if Box::pin(self.take_turn(heard)).await {
                return Ok(End::Dismissed);
            }
            if then == Then::End {
                return Ok(End::HalfClosed);
            }
        }
    }

    /// Takes in what has come, and gives how much.
    fn read(&mut self) -> io::Result<usize> {
        // On the stack of the thread: nobody needs it for longer than this takes.
        let mut scratch = [0; READ_SIZE];
        let length = self.input.try_read(&mut scratch)?;
        self.speech().buffer.extend_from_slice(&scratch[..length]);
        Ok(length)
    }

    /// What the next lines ask for.
    fn hear(&mut self, has_ended: bool) -> ReadOutcome {
        let context = self.context.clone();
        self.speech().understand(&context, has_ended)
    }

    /// What it has said so far, which is made when it says the first.
    fn speech(&mut self) -> &mut InputState {
        let Self { speech, context, peer, .. } = self;
        speech.get_or_insert_with(|| Box::new(InputState::new(context, *peer)))
    }

    /// Does what was heard, lets all others have their turn, and says whether that was the last.
    async fn take_turn(&self, ReadOutcome { asked, pause, .. }: ReadOutcome) -> bool {
        if self.pass_on(asked).await {
            return true;
        }
        if pause.is_zero() {
            yield_now().await;
        } else {
            sleep(pause).await;
        }
        false
    }

    async fn finish(mut self, end: io::Result<End>) {
        if self.speech.as_ref().is_some_and(|speech| speech.conversation.has_players()) {
            let reason = match end {
                Ok(End::HalfClosed) => "connection closed",
                Ok(End::Dismissed) => "too many errors",
                Ok(End::Broken) | Err(_) => "connection lost",
            };
            // A game that is over takes in nothing.
            let from = Origin::tcp(self.id);
            let input = Input::Disconnected { from, reason: reason.into() };
            let _ = self.context.mailbox.send(input).await;
        }
        tracing::info!(connection = %self.id, "has nothing more to say");
        match end {
            Ok(End::HalfClosed) => self.subscription.half_close().await,
            Ok(End::Dismissed) => {
                // Its players have left, and make room for others.
                self.speech = None;
                if let Ok(_permit) = self.context.farewells.0.try_acquire() {
                    linger(&mut self.input, LINGER).await;
                }
            }
            Ok(End::Broken) | Err(_) => self.subscription.leave().await,
        }
    }

    /// Hands `asked` to whom it concerns, and says whether that was the last.
    async fn pass_on(&self, mut asked: Actions) -> bool {
        if !asked.moves.is_empty() {
            let input = Input::Moves { from: Origin::tcp(self.id), moves: asked.moves };
            // A game that is over takes in nothing.
            let _ = self.context.mailbox.send(input).await;
        }
        if asked.too_many_errors {
            let message = "too many of your lines were refused".to_owned();
            encode(
                &ControlMessage::Closing { code: ClosingCode::TooManyErrors, message },
                &mut asked.answers,
            );
        }
        if !asked.answers.is_empty() {
            self.subscription.reply(asked.answers).await;
        }
        if let Some(after) = asked.resume {
            self.subscription.resume(after).await;
        }
        if asked.too_many_errors {
            tracing::info!(connection = %self.id, "closing a connection: too many errors");
            self.subscription.close().await;
        }
        asked.too_many_errors
    }
}

impl InputState {
    fn new(context: &SessionContext, peer: IpAddr) -> Self {
        let address = context.addresses.budget_of(peer);
        Self {
            conversation: Conversation::new(context.limits, context.places.clone(), address),
            decoder: LineDecoder::new(MAX_CLIENT_LINE),
            skipped: 0,
            buffer: BytesMut::new(),
        }
    }

    /// What the next lines that are complete ask for, and the last one if that `has_ended`, too.
    fn understand(&mut self, context: &SessionContext, has_ended: bool) -> ReadOutcome {
        let Self { conversation, decoder, skipped, buffer } = self;
        let mut asked = Actions::default();
        let mut then = Then::Lines;
        let now = Instant::now().into_std();
        // Of the last lines there are no more than what was read at once.
        let most = if has_ended { usize::MAX } else { LINES_PER_TURN };
        for _ in 0..most {
            let held = buffer.len();
            let line =
                if has_ended { decoder.last_line(buffer) } else { decoder.next_line(buffer) };
            let Some(line) = line else {
                // What is skipped of an endless line is not for nothing either.
                *skipped += held - buffer.len();
                asked.free_lines += *skipped / MAX_CLIENT_LINE;
                *skipped %= MAX_CLIENT_LINE;
                then = if has_ended { Then::End } else { Then::Bytes };
                break;
            };
            conversation.hear(line, &context.game, now, &mut asked);
        }
        if buffer.is_empty() {
            *buffer = BytesMut::new();
        }
        let pause = conversation.pause_for(asked.free_lines, now);
        ReadOutcome { asked, then, pause }
    }
}

use std::{future::poll_fn, io, sync::Arc};

use bytes::BytesMut;
use tokio::{net::tcp::OwnedReadHalf, sync::mpsc, time::Instant};
use tribune_protocol::{
    ClosingCode, ConnectionId, GameId, LineDecoder, MAX_CLIENT_LINE, Notice, encode,
};

use super::{
    conversation::{Asked, Conversation, Limits},
    linger::{LINGER, linger},
};
use crate::{broadcast::Membership, game::Input, tasks::caught};

/// How much is read at once: some thousand moves.
const READ_SIZE: usize = 16 << 10;

/// What all sessions share.
#[derive(Debug)]
pub(super) struct SessionContext {
    /// The game that is played.
    pub(super) game: GameId,
    /// Where inputs go.
    pub(super) mailbox: mpsc::Sender<Input>,
    /// What each connection may do.
    pub(super) limits: Limits,
}

/// The reading half of a connection: turns its lines into inputs and answers.
///
/// Most clients say nothing most of the time. What it takes to listen to those who do is in memory
/// of its own.
#[derive(Debug)]
pub(super) struct Session {
    id: ConnectionId,
    input: OwnedReadHalf,
    membership: Membership,
    context: Arc<SessionContext>,
    speech: Option<Box<Speech>>,
}

/// What somebody who has said something has said.
#[derive(Debug)]
struct Speech {
    conversation: Conversation,
    decoder: LineDecoder,
    /// What has come of a line that has not ended.
    buffer: BytesMut,
}

/// What was heard at once.
struct Heard {
    asked: Asked,
    /// Whether nothing more will come.
    has_ended: bool,
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
        membership: Membership,
        context: Arc<SessionContext>,
    ) -> Self {
        Self { id, input, membership, context, speech: None }
    }

    /// Listens until the peer has nothing more to say.
    pub(super) async fn run(mut self) {
        let end = caught("session", self.listen()).await.unwrap_or(Ok(End::Broken));
        Box::pin(self.finish(end)).await;
    }

    async fn listen(&mut self) -> io::Result<End> {
        loop {
            // It takes no room here to wait in this way, for there is only one who does.
            poll_fn(|cx| self.input.as_ref().poll_read_ready(cx)).await?;
            match self.hear() {
                Ok(Heard { asked, has_ended }) => {
                    if Box::pin(self.pass_on(asked)).await {
                        return Ok(End::Dismissed);
                    }
                    if has_ended {
                        return Ok(End::HalfClosed);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Ok(End::Broken),
            }
        }
    }

    /// Takes in what has come.
    fn hear(&mut self) -> io::Result<Heard> {
        // On the stack of the thread: nobody needs it for longer than this takes.
        let mut scratch = [0; READ_SIZE];
        let length = self.input.try_read(&mut scratch)?;
        let context = &self.context;
        let speech = self.speech.get_or_insert_with(|| Box::new(Speech::new(context.limits)));
        speech.buffer.extend_from_slice(&scratch[..length]);
        let has_ended = length == 0;
        Ok(Heard { asked: speech.understand(&context.game, has_ended), has_ended })
    }

    async fn finish(mut self, end: io::Result<End>) {
        if self.speech.as_ref().is_some_and(|speech| speech.conversation.has_players()) {
            let reason = match end {
                Ok(End::HalfClosed) => "connection closed",
                Ok(End::Dismissed) => "too many errors",
                Ok(End::Broken) | Err(_) => "connection lost",
            };
            // A game that is over takes in nothing.
            let _ = self.context.mailbox.send(Input::Gone { connection: self.id, reason }).await;
        }
        tracing::info!(connection = %self.id, "has nothing more to say");
        match end {
            Ok(End::HalfClosed) => self.membership.half_close().await,
            Ok(End::Dismissed) => linger(&mut self.input, LINGER).await,
            Ok(End::Broken) | Err(_) => self.membership.leave().await,
        }
    }

    /// Hands `asked` to whom it concerns, and says whether that was the last.
    async fn pass_on(&self, mut asked: Asked) -> bool {
        if !asked.moves.is_empty() {
            let input = Input::Moves { connection: self.id, moves: asked.moves };
            // A game that is over takes in nothing.
            let _ = self.context.mailbox.send(input).await;
        }
        if asked.too_many_errors {
            let message = "too many of your lines were refused".to_owned();
            encode(
                &Notice::Closing { code: ClosingCode::TooManyErrors, message },
                &mut asked.answers,
            );
        }
        if !asked.answers.is_empty() {
            self.membership.answer(asked.answers).await;
        }
        if let Some(after) = asked.resume {
            self.membership.resume(after).await;
        }
        if asked.too_many_errors {
            tracing::info!(connection = %self.id, "closing a connection: too many errors");
            self.membership.close().await;
        }
        asked.too_many_errors
    }
}

impl Speech {
    fn new(limits: Limits) -> Self {
        Self {
            conversation: Conversation::new(limits),
            decoder: LineDecoder::new(MAX_CLIENT_LINE),
            buffer: BytesMut::new(),
        }
    }

    /// What the lines that are complete ask for, and the last one if that `has_ended`, too.
    fn understand(&mut self, game: &GameId, has_ended: bool) -> Asked {
        let Self { conversation, decoder, buffer } = self;
        let mut asked = Asked::default();
        let now = Instant::now().into_std();
        while let Some(line) =
            if has_ended { decoder.last_line(buffer) } else { decoder.next_line(buffer) }
        {
            conversation.hear(line, game, now, &mut asked);
        }
        if buffer.is_empty() {
            *buffer = BytesMut::new();
        }
        asked
    }
}

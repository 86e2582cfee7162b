use std::{io, sync::Arc};

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

/// How much is read at once: some hundred moves.
const READ_SIZE: usize = 4 << 10;

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
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: ConnectionId,
    pub(super) input: OwnedReadHalf,
    pub(super) membership: Membership,
    pub(super) context: Arc<SessionContext>,
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
    /// Listens until the peer has nothing more to say.
    pub(super) async fn run(mut self) {
        let mut conversation = Conversation::new(self.context.limits);
        let end =
            caught("session", self.listen(&mut conversation)).await.unwrap_or(Ok(End::Broken));
        if conversation.has_players() {
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

    async fn listen(&mut self, conversation: &mut Conversation) -> io::Result<End> {
        let mut decoder = LineDecoder::new(MAX_CLIENT_LINE);
        let mut buffer = BytesMut::new();
        loop {
            // Only then is there a buffer: most clients say nothing most of the time.
            self.input.readable().await?;
            buffer.reserve(READ_SIZE);
            let has_ended = match self.input.try_read_buf(&mut buffer) {
                Ok(length) => length == 0,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => return Ok(End::Broken),
            };
            let mut asked = Asked::default();
            let now = Instant::now().into_std();
            while let Some(line) = if has_ended {
                decoder.last_line(&mut buffer)
            } else {
                decoder.next_line(&mut buffer)
            } {
                conversation.hear(line, &self.context.game, now, &mut asked);
            }
            if buffer.is_empty() {
                buffer = BytesMut::new();
            }
            if self.pass_on(asked).await {
                return Ok(End::Dismissed);
            }
            if has_ended {
                return Ok(End::HalfClosed);
            }
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

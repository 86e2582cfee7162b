use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;
use tribune_protocol::{GameId, LineDecoder, MAX_CLIENT_LINE};

use super::request_handler::{Actions, RequestHandler};

/// The most lines that are handled before other tasks get their turn. A line costs less than half a
/// microsecond, so a turn takes a tenth of a millisecond: hundreds of connections that send as fast
/// as they can delay each other, and the game, by hundredths of a second.
const LINES_PER_TURN: usize = 256;

/// The input side of a connection that has sent something: bytes in, actions out.
#[derive(Debug)]
pub struct SessionInput {
    handler: RequestHandler,
    decoder: LineDecoder,
    /// Bytes of endless lines that were skipped and not counted yet.
    skipped: usize,
    /// What was read and not handled yet, up to a line that has not ended.
    buffer: BytesMut,
}

/// The outcome of one turn.
#[derive(Debug)]
pub struct Turn {
    /// What the lines of this turn ask for.
    pub actions: Actions,
    /// What comes next.
    pub next: Next,
    /// How long to wait before that.
    pub pause: Duration,
}

/// What comes after the lines of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// More lines, which are in the buffer.
    Lines,
    /// More bytes have to be read.
    Read,
    /// Nothing: the input has ended.
    End,
}

impl SessionInput {
    /// An empty input, whose lines `handler` handles.
    pub fn new(handler: RequestHandler) -> Self {
        Self {
            handler,
            decoder: LineDecoder::new(MAX_CLIENT_LINE),
            skipped: 0,
            buffer: BytesMut::new(),
        }
    }

    /// Takes in `bytes` that were read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether the connection has players in the game.
    pub fn has_players(&self) -> bool {
        self.handler.has_players()
    }

    /// Handles the next lines that are complete. If the input is `at_end`, it handles all, and the
    /// unfinished line too.
    pub fn take_turn(&mut self, game: &GameId, at_end: bool) -> Turn {
        let Self { handler, decoder, skipped, buffer } = self;
        let mut actions = Actions::default();
        let mut next = Next::Lines;
        let now = Instant::now().into_std();
        // At the end there is no more than one read's worth.
        let max = if at_end { usize::MAX } else { LINES_PER_TURN };
        for _ in 0..max {
            let held = buffer.len();
            let line = if at_end { decoder.last_line(buffer) } else { decoder.next_line(buffer) };
            let Some(line) = line else {
                // Skipping an endless line takes time too, so it counts.
                *skipped += held - buffer.len();
                actions.unmetered_lines += *skipped / MAX_CLIENT_LINE;
                *skipped %= MAX_CLIENT_LINE;
                next = if at_end { Next::End } else { Next::Read };
                break;
            };
            handler.handle_line(line, game, now, &mut actions);
            if actions.closing.is_some() {
                break;
            }
        }
        if buffer.is_empty() {
            *buffer = BytesMut::new();
        }
        let pause = handler.pause_after(actions.unmetered_lines, now);
        Turn { actions, next, pause }
    }
}

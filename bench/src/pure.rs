//! The pure parts of the way from a move to its subscribers, one at a time.

use std::{hint::black_box, sync::Arc};

use tribune_protocol::{
    ActionSyntax, ConnectionId, Direction, Event, EventKind, Origin, PlayerId, Request, Seq, encode,
};
use tribune_server::log::{Batch, Cursor, Log, View};

use crate::snake_turn::SnakeTurn;

/// How many bytes the log holds.
const LOG_BYTES: usize = 16 << 20;

/// What the parts work on.
#[derive(Debug)]
pub struct Pure {
    event: Event,
    line: Vec<u8>,
    batch: Batch,
    log: Arc<Log>,
    view: View,
    snake: SnakeTurn,
}

/// A part.
pub type Part = fn(&mut Pure);

/// The parts, by name.
pub const PARTS: [(&str, Part); 5] = [
    ("parse", Pure::parse),
    ("encode", Pure::encode),
    ("append", Pure::append),
    ("read", Pure::read),
    ("snake", Pure::snake),
];

impl Default for Pure {
    fn default() -> Self {
        let kind = EventKind::Move {
            player: PlayerId(1),
            name: "ann".parse().expect("it is a name"),
            from: Origin::tcp(ConnectionId(1)),
            direction: Direction::North,
            x: 12,
            y: 3,
        };
        let event = Event { seq: Seq(123_456), ms: 123_456, kind };
        let mut batch = Batch::default();
        batch.push(&event);
        let log = Arc::new(Log::new(LOG_BYTES));
        for _ in 0..1000 {
            log.append(&batch);
        }
        let view = View::new(log.clone());
        Self { event, line: Vec::new(), batch, log, view, snake: SnakeTurn::default() }
    }
}

impl Pure {
    /// Parses the line of a move.
    pub fn parse(&mut self) {
        let _ = black_box(Request::parse(black_box(b"N ann"), &ActionSyntax::Directions));
    }

    /// Encodes an event as its line.
    pub fn encode(&mut self) {
        self.line.clear();
        encode(black_box(&self.event), &mut self.line);
        black_box(&self.line);
    }

    /// Appends an event to the log.
    pub fn append(&mut self) {
        self.log.append(black_box(&self.batch));
    }

    /// Reads what is due at a cursor, and advances it past a write that stops within a line.
    pub fn read(&mut self) {
        let mut cursor = black_box(Cursor::new(Seq(900)));
        let lines = cursor.due(&self.view, usize::MAX);
        black_box(cursor.advance(&self.view, lines.len() / 2));
        black_box(cursor);
    }

    /// Plays a turn with 100 snakes, and encodes it.
    pub fn snake(&mut self) {
        black_box(self.snake.play());
    }
}

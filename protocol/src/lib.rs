//! The protocol of Tribune, version 1, between the server and its clients and programs.
//!
//! `docs/protocol.md` describes it in prose. Here it is as types: [`Request`] is a line that a client
//! sends, [`ServerLine`] a line that a server sends, [`LineDecoder`] splits bytes into lines, and
//! [`Connection`] combines the three over any byte stream. [`State`] is the state of a game with its
//! reducer, and [`text`] formats events for people.

#![forbid(unsafe_code)]

mod action;
mod action_syntax;
mod board_size;
mod cell;
mod cells;
mod connection;
mod control_message;
mod direction;
mod echo;
mod escape;
mod event;
mod first_line;
mod gcra;
mod id;
mod line;
mod name;
mod origin;
mod ping_id;
mod player_move;
mod printable;
mod request;
mod server_line;
mod state;
pub mod text;

pub use action::{Action, ActionText, InvalidActionText, PlayerAction};
pub use action_syntax::{ActionPattern, ActionSyntax, InvalidPattern, NotAnAction};
pub use board_size::BoardSize;
pub use cell::{CellContent, Glyph, InvalidGlyph};
pub use cells::Cells;
pub use connection::Connection;
pub use control_message::{ClosingCode, ControlMessage, ErrorCode, Welcome};
pub use direction::Direction;
pub use echo::{EchoEnd, EchoReply, exchange_echo};
pub use escape::{escape_json, json_length};
pub use event::{Event, EventKind, Exit, OutputStream, Standing, Turn};
pub use first_line::{FirstLineError, check_first_line};
pub use gcra::Gcra;
pub use id::{ConnectionId, GameId, PlayerId, Seq, WorkerId};
pub use line::{Line, LineDecoder};
pub use name::Name;
pub use origin::{InvalidOrigin, Origin, OriginKind};
pub use ping_id::PingId;
pub use player_move::{Move, MoveError};
pub use printable::is_printable;
pub use request::{Refusal, Request};
pub use server_line::{ServerLine, UnreadableLine, encode};
pub use state::{ApplyError, PlayerState, State, WorkerState};

/// The version of the wire that this crate speaks, as `welcome` says it.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest line, in bytes without its end, that a client or a player program may send.
pub const MAX_CLIENT_LINE: usize = 1024;

/// The longest line, in bytes without its end, that a client need accept from a server.
///
/// The longest is `state`: what it lists is bounded by [`MAX_PLAYERS`], and by how many programs a
/// server can run.
pub const MAX_SERVER_LINE: usize = 16 << 20;

/// The most players that a game may have at a time.
///
/// Each takes at most 320 bytes in `state`, all together five eighths of [`MAX_SERVER_LINE`].
pub const MAX_PLAYERS: usize = 1 << 15;

/// The most cells of the board of a game that draws them.
///
/// Each takes at most 48 bytes in `state`, all together one eighth of [`MAX_SERVER_LINE`].
pub const MAX_CELLS: usize = MAX_SERVER_LINE / 8 / 48;

/// The most programs that the state of a game can have: more than any server runs.
pub const MAX_PROGRAMS: usize = 1 << 15;

/// Where an echo server listens, and a client looks for one, unless told otherwise.
pub const DEFAULT_ECHO_ADDRESS: &str = "127.0.0.1:8080";

/// The longest message, in bytes, that the echo service sends back.
pub const MAX_ECHO_MESSAGE: usize = 100;

/// Where a server listens, and a client looks for one, unless told otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:7777";

use players_agent::Predef;
use tribune_protocol::{ConnectionId, Exit, Move, OutputStream, WorkerId};

/// All that can happen to the game, whoever does it.
#[derive(Clone, Debug)]
pub enum Input {
    /// A connection moved its players.
    Moves {
        /// Which.
        connection: ConnectionId,
        /// How, in order. Each name is one that the connection may use.
        moves: Vec<Move>,
    },
    /// A connection moves nobody any more.
    Gone {
        /// Which.
        connection: ConnectionId,
        /// Why, for people.
        reason: &'static str,
    },
    /// A program was started.
    Started {
        /// Which.
        worker: WorkerId,
        /// What was run.
        command: Vec<String>,
    },
    /// A program printed lines.
    Printed {
        /// Which.
        worker: WorkerId,
        /// Where.
        stream: OutputStream,
        /// What, in order. There are no blank lines.
        lines: Vec<Printed>,
    },
    /// A program ended and will print nothing more, or could not be started.
    Exited {
        /// Which.
        worker: WorkerId,
        /// How.
        exit: Exit,
    },
    /// Somebody typed the number of a configuration.
    Typed(Predef),
    /// The game is to end.
    Stop {
        /// Why, for people.
        reason: &'static str,
    },
}

/// A line that a program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Printed {
    /// A move of one of its players.
    Move(Move),
    /// Anything else.
    Other {
        /// The line.
        line: String,
        /// Whether it is only the beginning of a line that was too long.
        cut: bool,
    },
}

/// What the game asks of the world around it.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start this program, and say how that went.
    Launch(super::Launch),
    /// End every program that runs.
    EndPrograms,
    /// Tell this to whoever typed last.
    Answer(String),
}

use players_agent::Predef;
use tribune_protocol::{
    ErrorCode, Exit, Line, Origin, OutputStream, PlayerAction, Refusal, WorkerId,
};

use super::LaunchRequest;

/// Everything that can happen to a game from outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The players of an origin act.
    Actions {
        /// Where the actions come from.
        from: Origin,
        /// The actions, in order. Each name is one that the origin is allowed to use.
        actions: Vec<PlayerAction>,
    },
    /// An origin that has players is gone, and its players leave.
    Disconnected {
        /// The origin.
        from: Origin,
        /// Why, for people.
        reason: String,
    },
    /// A program was started.
    Started {
        /// Its number.
        program: WorkerId,
        /// The program and its arguments, for display.
        command: Vec<String>,
    },
    /// A program printed lines.
    Printed {
        /// Its number.
        program: WorkerId,
        /// The stream that the lines come from.
        stream: OutputStream,
        /// The lines, in order, without blank ones.
        lines: Vec<OutputLine>,
    },
    /// A program has exited and will print nothing more, or could not be started.
    Exited {
        /// Its number.
        program: WorkerId,
        /// Its exit status.
        exit: Exit,
    },
    /// The referee printed lines.
    RefereePrinted(Vec<Line>),
    /// The number of a predef was typed on the server's keyboard.
    FromKeyboard(Predef),
    /// The game is to end.
    Stop {
        /// Why, for people.
        reason: String,
    },
}

/// A line that a program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputLine {
    /// An action of one of its players.
    Action(PlayerAction),
    /// Any other line.
    Other {
        /// The line.
        line: String,
        /// Whether it is only the beginning of a line that was too long.
        cut: bool,
        /// Why it is not an action, if it was nearly one.
        refused: Option<ErrorCode>,
    },
}

/// What the game asks the server to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a program, and report that with [`Input::Started`] or [`Input::Exited`].
    Launch(LaunchRequest),
    /// Terminate all programs.
    TerminatePrograms,
    /// Send this refusal to an origin as an `error` line, unless it does not read.
    Refuse(Origin, Refusal),
    /// Show this message to the operator.
    Message(String),
}

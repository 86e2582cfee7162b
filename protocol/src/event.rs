use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ActionText, CellContent, Direction, ErrorCode, Name, Origin, PlayerId, Seq, WorkerId};

/// An event of the game. Every client receives each event once and in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the stream.
    pub seq: Seq,
    /// Milliseconds since the game began.
    pub ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The content of an [`Event`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// The clock ticked.
    Clock {
        /// Ticks since the game began.
        clock: u64,
    },
    /// A player program was forked.
    Started {
        /// The program.
        worker: WorkerId,
        /// Its label for people, as in `ps#1 (predef 1)`.
        label: String,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// A player joined the game. Its first move follows.
    Joined {
        /// The player.
        player: PlayerId,
        /// Its name.
        name: Name,
        /// The origin of its moves.
        from: Origin,
        /// Cells from the western edge.
        x: u16,
        /// Cells from the northern edge.
        y: u16,
    },
    /// A player moved.
    Move {
        /// The player.
        player: PlayerId,
        /// Its name.
        name: Name,
        /// The origin of the move.
        from: Origin,
        /// The direction of the move.
        direction: Direction,
        /// Its position after the move: cells from the western edge.
        x: u16,
        /// Its position after the move: cells from the northern edge.
        y: u16,
    },
    /// A player took an action that is not a move.
    Action {
        /// The player.
        player: PlayerId,
        /// Its name.
        name: Name,
        /// The origin of the action.
        from: Origin,
        /// The action.
        action: ActionText,
    },
    /// A turn of the game: everything that changed in it.
    Turn(Turn),
    /// A round begins: the board is empty, and all scores are 0.
    Round {
        /// Its number: the first is 1.
        round: u64,
        /// Its seed.
        seed: u64,
    },
    /// A round has ended.
    Result {
        /// Its number.
        round: u64,
        /// The players, the best first.
        ranking: Vec<Standing>,
    },
    /// The clock of the game stands still.
    Paused {
        /// The reason, for people.
        reason: String,
    },
    /// The clock of the game goes on.
    Continued {
        /// The reason, for people.
        reason: String,
    },
    /// A player program printed a line that is not an action.
    Output {
        /// The program.
        worker: WorkerId,
        /// Which of its outputs.
        stream: OutputStream,
        /// The line. Bytes that are not UTF-8 are replaced by U+FFFD.
        line: String,
        /// Whether the line was longer than the limit, and was truncated.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
        /// Why it is not an action, if it was nearly one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<ErrorCode>,
    },
    /// A player left the game.
    Left {
        /// The player.
        player: PlayerId,
        /// Its name.
        name: Name,
        /// The origin of its moves.
        from: Origin,
        /// The reason, for people.
        reason: String,
    },
    /// A player program ended, or could not be started.
    Exited {
        /// The program.
        worker: WorkerId,
        /// Its label for people, as in `ps#1 (predef 1)`.
        label: String,
        /// How it ended.
        #[serde(flatten)]
        exit: Exit,
        /// How many programs are still running.
        running: usize,
    },
    /// The game is over. No event follows.
    Bye {
        /// The reason, for people.
        reason: String,
    },
    /// An event of a type that this version does not know.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// Everything that changed in a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its number. Turns in which nothing changed have numbers, too, but no event.
    pub turn: u64,
    /// The cells that changed, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellContent>,
    /// The players whose scores changed, with their scores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<(PlayerId, i64)>,
    /// The players that are out, with the reasons, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub out: Vec<(PlayerId, String)>,
    /// Lines for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Turn {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
            && self.scores.is_empty()
            && self.out.is_empty()
            && self.notes.is_empty()
    }
}

/// A player in the ranking of a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its rank: the best is 1, and equal players have equal ranks.
    pub rank: u64,
    /// The player.
    pub player: PlayerId,
    /// Its name.
    pub name: Name,
    /// Its score.
    pub score: i64,
}

/// One of the two outputs of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Standard output, which actions are read from.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a player program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Exit {
    /// It could not be started.
    NotStarted {
        /// The exit code that a shell would return: 127 if the program was not found, 126 otherwise.
        code: i32,
        /// The reason, for people.
        reason: String,
    },
    /// It ended by itself.
    Code {
        /// Its exit code.
        code: i32,
    },
    /// A signal ended it.
    Signal {
        /// The signal's number.
        signal: i32,
    },
}

impl Exit {
    /// Whether it succeeded: exit code 0.
    pub fn is_success(&self) -> bool {
        *self == Self::Code { code: 0 }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { reason, .. } => write!(f, "not started: {reason}"),
            Self::Code { code } => write!(f, "exit code {code}"),
            Self::Signal { signal } => write!(f, "exit signal {signal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn exited(exit: Exit) -> Event {
        let label = "ps#1 (predef 1)".to_owned();
        Event {
            seq: Seq(9),
            ms: 5,
            kind: EventKind::Exited { worker: WorkerId(1), label, exit, running: 0 },
        }
    }

    #[test]
    fn exits_round_trip_with_their_own_fields() {
        let ways = [
            (Exit::Code { code: 3 }, json!({"code": 3})),
            (Exit::Signal { signal: 9 }, json!({"signal": 9})),
            (
                Exit::NotStarted { code: 127, reason: "gone".into() },
                json!({"code": 127, "reason": "gone"}),
            ),
        ];
        for (exit, fields) in ways {
            let event = exited(exit);
            let mut want = json!({"seq": 9, "ms": 5, "type": "exited", "worker": 1, "label": "ps#1 (predef 1)", "running": 0});
            want.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            assert_eq!(serde_json::to_value(&event).unwrap(), want);
            assert_eq!(serde_json::from_value::<Event>(want).unwrap(), event);
        }
    }

    #[test]
    fn cut_is_omitted_if_false() {
        let output = |cut| EventKind::Output {
            worker: WorkerId(1),
            stream: OutputStream::Stderr,
            line: "x".into(),
            cut,
            refused: None,
        };
        assert_eq!(
            serde_json::to_value(output(false)).unwrap(),
            json!({"type": "output", "worker": 1, "stream": "stderr", "line": "x"})
        );
        assert_eq!(serde_json::to_value(output(true)).unwrap()["cut"], json!(true));
    }
}

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Direction, Name, Origin, PlayerId, Seq, WorkerId};

/// Something that happened in the game, told to everyone, once and in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the stream.
    pub seq: Seq,
    /// Milliseconds since the game began.
    pub ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What an [`Event`] tells.
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
        /// Which.
        worker: WorkerId,
        /// What people read, as in `ps#1 (predef 1)`.
        label: String,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// A player came onto the board. Its first move follows.
    Joined {
        /// Who.
        player: PlayerId,
        /// What it is called.
        name: Name,
        /// Where its moves come from.
        from: Origin,
        /// Cells from the western edge.
        x: u16,
        /// Cells from the northern edge.
        y: u16,
    },
    /// A player moved.
    Move {
        /// Who.
        player: PlayerId,
        /// What it is called.
        name: Name,
        /// Where the move came from.
        from: Origin,
        /// Which way it went.
        direction: Direction,
        /// Where it stands now: cells from the western edge.
        x: u16,
        /// Where it stands now: cells from the northern edge.
        y: u16,
    },
    /// A player program printed a line that is not a move.
    Output {
        /// Which program.
        worker: WorkerId,
        /// On which of its two outputs.
        stream: OutputStream,
        /// What it printed. Bytes that are not UTF-8 are replaced by U+FFFD.
        line: String,
        /// Whether the line was longer than the limit, and is only its beginning.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// A player left the board.
    Left {
        /// Who.
        player: PlayerId,
        /// What it was called.
        name: Name,
        /// Where its moves came from.
        from: Origin,
        /// Why, for people.
        reason: String,
    },
    /// A player program ended, or could not be started.
    Exited {
        /// Which.
        worker: WorkerId,
        /// What people read, as in `ps#1 (predef 1)`.
        label: String,
        /// How.
        #[serde(flatten)]
        exit: Exit,
        /// How many programs are still running.
        running: usize,
    },
    /// The game is over. No event follows.
    Bye {
        /// Why, for people.
        reason: String,
    },
    /// An event of a type that this version does not know.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// One of the two outputs of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Where moves are read from.
    Stdout,
    /// Where a program complains.
    Stderr,
}

/// How a player program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Exit {
    /// It could not be started.
    NotStarted {
        /// What a shell would say: 127 for a program that is not there, 126 for another reason.
        code: i32,
        /// Why, for people.
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
    /// Whether it did what it was started for.
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
    fn each_way_to_end_has_its_fields_and_is_read_back() {
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
    fn a_line_that_was_not_cut_does_not_say_so() {
        let output = |cut| EventKind::Output {
            worker: WorkerId(1),
            stream: OutputStream::Stderr,
            line: "x".into(),
            cut,
        };
        assert_eq!(
            serde_json::to_value(output(false)).unwrap(),
            json!({"type": "output", "worker": 1, "stream": "stderr", "line": "x"})
        );
        assert_eq!(serde_json::to_value(output(true)).unwrap()["cut"], json!(true));
    }
}

use std::{borrow::Cow, collections::HashMap};

use tribune_protocol::{Event, Happening, Origin, State, WorkerId};

/// Tells the game as people read it, line by line: the wording of the server's console, and of
/// whoever watches.
///
/// It remembers the labels of the running programs, which moves do not carry.
#[derive(Clone, Debug, Default)]
pub struct Narrator {
    labels: HashMap<WorkerId, String>,
}

impl Narrator {
    /// Takes in who is there already.
    pub fn begin(&mut self, state: &State) {
        self.labels =
            state.workers.iter().map(|worker| (worker.id, worker.label.clone())).collect();
    }

    /// The line that tells `event`, without its end; `None` for what people see from the others.
    pub fn tell(&mut self, event: &Event) -> Option<String> {
        match &event.happening {
            Happening::Clock { clock } => Some(format!("clock = {clock:04}s")),
            Happening::Started { worker, label, .. } => {
                self.labels.insert(*worker, label.clone());
                Some(format!(">>>>>>>> worker {}", printable(label)))
            }
            Happening::Move { direction, name, from, .. } => {
                Some(self.got(&format!("{direction} {name}"), *from))
            }
            Happening::Output { worker, line, .. } => {
                Some(self.got(line, Origin::Program(*worker)))
            }
            Happening::Exited { worker, label, exit, running } => {
                self.labels.remove(worker);
                Some(format!(
                    "<<<<<<<< worker {} - {} - {running} still running",
                    printable(label),
                    printable(&exit.to_string())
                ))
            }
            Happening::Bye { reason } => Some(format!("{} - bye", printable(reason))),
            Happening::Joined { .. } | Happening::Left { .. } => None,
        }
    }

    fn got(&self, line: &str, from: Origin) -> String {
        let line = printable(line);
        let label = match from {
            Origin::Program(id) => self.labels.get(&id),
            Origin::Connection(_) => None,
        };
        match label {
            Some(label) => format!("        got `{line}` from {}", printable(label)),
            None => format!("        got `{line}` from {from}"),
        }
    }
}

/// `text` with its control characters escaped: what a program prints is not to steer the terminal
/// of whoever watches.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{
        BoardSize, ConnectionId, Direction, Exit, OutputStream, PlayerId, Seq, WorkerState,
    };

    use super::*;

    const ONE: WorkerId = WorkerId(1);

    fn tell(narrator: &mut Narrator, happening: Happening) -> Option<String> {
        narrator.tell(&Event { seq: Seq(1), ms: 0, happening })
    }

    fn step(from: Origin) -> Happening {
        let name = "mary".parse().unwrap();
        Happening::Move { player: PlayerId(1), name, from, direction: Direction::East, x: 0, y: 0 }
    }

    fn started() -> Happening {
        Happening::Started { worker: ONE, label: "ps#1 (predef 1)".into(), command: vec![] }
    }

    fn exited(exit: Exit, running: usize) -> Happening {
        Happening::Exited { worker: ONE, label: "ps#1 (predef 1)".into(), exit, running }
    }

    #[test]
    fn a_game_is_told_line_by_line() {
        let mut narrator = Narrator::default();
        let mut told = |happening| tell(&mut narrator, happening).unwrap();
        assert_eq!(told(Happening::Clock { clock: 7 }), "clock = 0007s");
        assert_eq!(told(started()), ">>>>>>>> worker ps#1 (predef 1)");
        assert_eq!(told(step(Origin::Program(ONE))), "        got `E mary` from ps#1 (predef 1)");
        assert_eq!(
            told(step(Origin::Connection(ConnectionId(7)))),
            "        got `E mary` from tcp#7"
        );
        let output = Happening::Output {
            worker: ONE,
            stream: OutputStream::Stderr,
            line: "ouch".into(),
            cut: false,
        };
        assert_eq!(told(output), "        got `ouch` from ps#1 (predef 1)");
        assert_eq!(
            told(exited(Exit::Code { code: 0 }, 1)),
            "<<<<<<<< worker ps#1 (predef 1) - exit code 0 - 1 still running"
        );
        assert_eq!(
            told(exited(Exit::Signal { signal: 9 }, 0)),
            "<<<<<<<< worker ps#1 (predef 1) - exit signal 9 - 0 still running"
        );
        assert_eq!(
            told(Happening::Bye { reason: "no process left".into() }),
            "no process left - bye"
        );
    }

    #[test]
    fn who_comes_late_knows_the_programs_from_the_state() {
        let mut narrator = Narrator::default();
        let workers = vec![WorkerState { id: ONE, label: "ps#1 (bot)".into() }];
        let board = BoardSize { width: 32, height: 16 };
        narrator.begin(&State { seq: Seq(1), ms: 0, clock: 0, board, players: vec![], workers });
        let told = tell(&mut narrator, step(Origin::Program(ONE)));
        assert_eq!(told.unwrap(), "        got `E mary` from ps#1 (bot)");
    }

    #[test]
    fn a_program_cannot_steer_the_terminal() {
        let line = "\u{1b}[2J\u{9b}1m\tx\u{fffd}".into();
        let output =
            Happening::Output { worker: ONE, stream: OutputStream::Stdout, line, cut: false };
        let told = tell(&mut Narrator::default(), output).unwrap();
        assert_eq!(told, "        got `\\u{1b}[2J\\u{9b}1m\\tx\u{fffd}` from ps#1");
    }
}

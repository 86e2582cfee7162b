use std::collections::BTreeMap;

use tribune_protocol::{Event, EventKind, Origin, State, WorkerId};

use crate::printable;

/// How many labels are remembered: of more programs than any server runs.
const MAX_LABELS: usize = 16_384;

/// How many characters of a label are.
const MAX_LABEL: usize = 256;

/// Tells the game as people read it, line by line: the wording of the server's console, and of
/// whoever watches.
///
/// It remembers the labels of the running programs, which moves do not carry, if they are not too
/// many: then the programs that started first are called by their numbers.
#[derive(Clone, Debug, Default)]
pub struct EventFormatter {
    labels: BTreeMap<WorkerId, String>,
}

impl EventFormatter {
    /// Takes in who is there already.
    pub fn begin(&mut self, state: &State) {
        self.labels.clear();
        for worker in &state.workers {
            self.remember(worker.id, &worker.label);
        }
    }

    /// The line that tells `event`, [printable] and without its end; `None` for what people see from
    /// the others.
    pub fn format(&mut self, event: &Event) -> Option<String> {
        let line = self.line(event)?;
        Some(printable(&line).into_owned())
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        match &event.kind {
            EventKind::Clock { clock } => Some(format!("clock = {clock:04}s")),
            EventKind::Started { worker, label, .. } => {
                self.remember(*worker, label);
                Some(format!(">>>>>>>> worker {label}"))
            }
            EventKind::Move { direction, name, from, .. } => {
                Some(self.got(&format!("{direction} {name}"), *from))
            }
            EventKind::Output { worker, line, .. } => {
                Some(self.got(line, Origin::Program(*worker)))
            }
            EventKind::Exited { worker, label, exit, running } => {
                self.labels.remove(worker);
                Some(format!("<<<<<<<< worker {label} - {exit} - {running} still running"))
            }
            EventKind::Bye { reason } => Some(format!("{reason} - bye")),
            EventKind::Joined { .. } | EventKind::Left { .. } | EventKind::Unknown => None,
        }
    }

    fn remember(&mut self, worker: WorkerId, label: &str) {
        self.labels.insert(worker, label.chars().take(MAX_LABEL).collect());
        if self.labels.len() > MAX_LABELS {
            self.labels.pop_first();
        }
    }

    fn got(&self, line: &str, from: Origin) -> String {
        let label = match from {
            Origin::Program(id) => self.labels.get(&id),
            Origin::Connection(_) => None,
        };
        match label {
            Some(label) => format!("        got `{line}` from {label}"),
            None => format!("        got `{line}` from {from}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{
        BoardSize, ConnectionId, Direction, Exit, OutputStream, PlayerId, Seq, WorkerState,
        is_printable,
    };

    use super::*;

    const ONE: WorkerId = WorkerId(1);

    fn tell(formatter: &mut EventFormatter, kind: EventKind) -> Option<String> {
        formatter.format(&Event { seq: Seq(1), ms: 0, kind })
    }

    fn step(from: Origin) -> EventKind {
        let name = "mary".parse().unwrap();
        EventKind::Move { player: PlayerId(1), name, from, direction: Direction::East, x: 0, y: 0 }
    }

    fn started() -> EventKind {
        EventKind::Started { worker: ONE, label: "ps#1 (predef 1)".into(), command: vec![] }
    }

    fn exited(exit: Exit, running: usize) -> EventKind {
        EventKind::Exited { worker: ONE, label: "ps#1 (predef 1)".into(), exit, running }
    }

    #[test]
    fn a_game_is_told_line_by_line() {
        let mut formatter = EventFormatter::default();
        let mut told = |kind| tell(&mut formatter, kind).unwrap();
        assert_eq!(told(EventKind::Clock { clock: 7 }), "clock = 0007s");
        assert_eq!(told(started()), ">>>>>>>> worker ps#1 (predef 1)");
        assert_eq!(told(step(Origin::Program(ONE))), "        got `E mary` from ps#1 (predef 1)");
        assert_eq!(
            told(step(Origin::Connection(ConnectionId(7)))),
            "        got `E mary` from tcp#7"
        );
        let output = EventKind::Output {
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
            told(EventKind::Bye { reason: "no process left".into() }),
            "no process left - bye"
        );
    }

    #[test]
    fn who_comes_late_knows_the_programs_from_the_state() {
        let mut formatter = EventFormatter::default();
        let workers = vec![WorkerState { id: ONE, label: "ps#1 (bot)".into() }];
        let board = BoardSize { width: 32, height: 16 };
        formatter.begin(&State { seq: Seq(1), ms: 0, clock: 0, board, players: vec![], workers });
        let told = tell(&mut formatter, step(Origin::Program(ONE)));
        assert_eq!(told.unwrap(), "        got `E mary` from ps#1 (bot)");
    }

    #[test]
    fn no_text_of_an_event_steers_the_terminal() {
        let bad = "\u{1b}[2J\u{9b}1m\u{202e}\u{3164}\n".to_owned();
        let happenings = [
            EventKind::Started { worker: ONE, label: bad.clone(), command: vec![bad.clone()] },
            EventKind::Output {
                worker: ONE,
                stream: OutputStream::Stderr,
                line: bad.clone(),
                cut: false,
            },
            EventKind::Exited {
                worker: ONE,
                label: bad.clone(),
                exit: Exit::NotStarted { code: 126, reason: bad.clone() },
                running: 0,
            },
            EventKind::Bye { reason: bad },
        ];
        let mut formatter = EventFormatter::default();
        for kind in happenings {
            let told = tell(&mut formatter, kind).unwrap();
            assert!(told.chars().all(is_printable), "{told:?}");
        }
    }

    #[test]
    fn programs_without_end_are_not_all_remembered() {
        let mut formatter = EventFormatter::default();
        for id in 1..=40_000 {
            let label = format!("ps#{id} ({})", "x".repeat(1000));
            let started = EventKind::Started { worker: WorkerId(id), label, command: vec![] };
            tell(&mut formatter, started).unwrap();
        }
        assert_eq!(formatter.labels.len(), MAX_LABELS);
        assert!(formatter.labels.values().all(|label| label.len() == MAX_LABEL));
        let mut told = |id| tell(&mut formatter, step(Origin::Program(WorkerId(id)))).unwrap();
        assert!(told(1).ends_with("from ps#1"));
        assert!(told(40_000).contains("from ps#40000 (xxx"));
    }

    #[test]
    fn a_program_cannot_steer_the_terminal() {
        let line = "\u{1b}[2J\u{9b}1m\tx\u{fffd}".into();
        let output =
            EventKind::Output { worker: ONE, stream: OutputStream::Stdout, line, cut: false };
        let told = tell(&mut EventFormatter::default(), output).unwrap();
        assert_eq!(told, "        got `\\u{1b}[2J\\u{9b}1m\\tx\u{fffd}` from ps#1");
    }
}

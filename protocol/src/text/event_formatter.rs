use std::collections::BTreeMap;

use super::printable;
use crate::{ErrorCode, Event, EventKind, Origin, OutputStream, State, WorkerId};

/// The most program labels that are remembered: more than any server runs programs.
const MAX_LABELS: usize = 16_384;

/// The most characters of a label that are remembered.
const MAX_LABEL: usize = 256;

/// Formats events as lines for people: the server's console and `client watch` share this wording.
///
/// It remembers the labels of running programs, which moves do not carry. Beyond a fixed number, the
/// programs that started first are shown by their ids instead.
#[derive(Clone, Debug, Default)]
pub struct EventFormatter {
    labels: BTreeMap<WorkerId, String>,
}

impl EventFormatter {
    /// Replaces what is remembered with the labels of `state`.
    pub fn begin(&mut self, state: &State) {
        self.labels.clear();
        for worker in &state.workers {
            self.remember(worker.id, &worker.label);
        }
    }

    /// The line for `event`, [printable] and without a line end; `None` for events that add nothing
    /// for people to the events around them.
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
                Some(self.received(&format!("{direction} {name}"), *from))
            }
            EventKind::Output { worker, stream, line, refused, .. } => {
                Some(self.output(*worker, *stream, line, *refused))
            }
            EventKind::Exited { worker, label, exit, running } => {
                self.labels.remove(worker);
                Some(format!("<<<<<<<< worker {label} - {exit} - {running} still running"))
            }
            EventKind::Bye { reason } => Some(format!("{reason} - bye")),
            EventKind::Action { action, name, from, .. } => {
                Some(self.received(&format!("{action} {name}"), *from))
            }
            EventKind::Joined { .. }
            | EventKind::Left { .. }
            | EventKind::Turn(_)
            | EventKind::Round { .. }
            | EventKind::Result { .. }
            | EventKind::Paused { .. }
            | EventKind::Continued { .. }
            | EventKind::Unknown => None,
        }
    }

    fn remember(&mut self, worker: WorkerId, label: &str) {
        self.labels.insert(worker, label.chars().take(MAX_LABEL).collect());
        if self.labels.len() > MAX_LABELS {
            self.labels.pop_first();
        }
    }

    fn received(&self, line: &str, from: Origin) -> String {
        self.indented("got", line, from)
    }

    /// The line for the output of a program, whose first word tells it apart from an action.
    fn output(
        &self,
        worker: WorkerId,
        stream: OutputStream,
        line: &str,
        refused: Option<ErrorCode>,
    ) -> String {
        let from = Origin::program(worker);
        match (refused, stream) {
            (Some(code), _) => format!("{} ({code})", self.indented("refused", line, from)),
            (None, OutputStream::Stdout) => self.indented("output", line, from),
            (None, OutputStream::Stderr) => self.indented("stderr", line, from),
        }
    }

    fn indented(&self, what: &str, line: &str, from: Origin) -> String {
        match from.worker_id().and_then(|id| self.labels.get(&id)) {
            Some(label) => format!("        {what} `{line}` from {label}"),
            None => format!("        {what} `{line}` from {from}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BoardSize, ConnectionId, Direction, Exit, PlayerId, Seq, WorkerState, is_printable,
    };

    const ONE: WorkerId = WorkerId(1);

    fn format(formatter: &mut EventFormatter, kind: EventKind) -> Option<String> {
        formatter.format(&Event { seq: Seq(1), ms: 0, kind })
    }

    fn moved(from: Origin) -> EventKind {
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
    fn formats_each_kind_of_event() {
        let mut formatter = EventFormatter::default();
        let mut formatted = |kind| format(&mut formatter, kind).unwrap();
        assert_eq!(formatted(EventKind::Clock { clock: 7 }), "clock = 0007s");
        assert_eq!(formatted(started()), ">>>>>>>> worker ps#1 (predef 1)");
        assert_eq!(
            formatted(moved(Origin::program(ONE))),
            "        got `E mary` from ps#1 (predef 1)"
        );
        assert_eq!(
            formatted(moved(Origin::tcp(ConnectionId(7)))),
            "        got `E mary` from tcp#7"
        );
        assert_eq!(
            formatted(exited(Exit::Code { code: 0 }, 1)),
            "<<<<<<<< worker ps#1 (predef 1) - exit code 0 - 1 still running"
        );
        assert_eq!(
            formatted(exited(Exit::Signal { signal: 9 }, 0)),
            "<<<<<<<< worker ps#1 (predef 1) - exit signal 9 - 0 still running"
        );
        assert_eq!(
            formatted(EventKind::Bye { reason: "no process left".into() }),
            "no process left - bye"
        );
    }

    #[test]
    fn distinguishes_output_from_actions() {
        let mut formatter = EventFormatter::default();
        format(&mut formatter, started());
        let mut formatted = |stream, line: &str, refused| {
            let line = line.to_owned();
            let output = EventKind::Output { worker: ONE, stream, line, cut: false, refused };
            format(&mut formatter, output).unwrap()
        };
        assert_eq!(
            formatted(OutputStream::Stdout, "hello", None),
            "        output `hello` from ps#1 (predef 1)"
        );
        assert_eq!(
            formatted(OutputStream::Stderr, "N oops", None),
            "        stderr `N oops` from ps#1 (predef 1)"
        );
        assert_eq!(
            formatted(OutputStream::Stdout, "N dbg hello", Some(ErrorCode::BadName)),
            "        refused `N dbg hello` from ps#1 (predef 1) (bad_name)"
        );
    }

    #[test]
    fn takes_labels_from_the_state() {
        let mut formatter = EventFormatter::default();
        let workers = vec![WorkerState { id: ONE, label: "ps#1 (bot)".into() }];
        let board = BoardSize { width: 32, height: 16 };
        formatter.begin(&State { workers, ..State::new(Seq(1), board) });
        let line = format(&mut formatter, moved(Origin::program(ONE)));
        assert_eq!(line.unwrap(), "        got `E mary` from ps#1 (bot)");
    }

    #[test]
    fn escapes_all_text_of_events() {
        let bad = "\u{1b}[2J\u{9b}1m\u{202e}\u{3164}\n".to_owned();
        let kinds = [
            EventKind::Started { worker: ONE, label: bad.clone(), command: vec![bad.clone()] },
            EventKind::Output {
                worker: ONE,
                stream: OutputStream::Stderr,
                line: bad.clone(),
                cut: false,
                refused: None,
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
        for kind in kinds {
            let line = format(&mut formatter, kind).unwrap();
            assert!(line.chars().all(is_printable), "{line:?}");
        }
    }

    #[test]
    fn bounds_the_number_and_length_of_labels() {
        let mut formatter = EventFormatter::default();
        for id in 1..=40_000 {
            let label = format!("ps#{id} ({})", "x".repeat(1000));
            let started = EventKind::Started { worker: WorkerId(id), label, command: vec![] };
            format(&mut formatter, started).unwrap();
        }
        assert_eq!(formatter.labels.len(), MAX_LABELS);
        assert!(formatter.labels.values().all(|label| label.len() == MAX_LABEL));
        let mut formatted =
            |id| format(&mut formatter, moved(Origin::program(WorkerId(id)))).unwrap();
        assert!(formatted(1).ends_with("from ps#1"));
        assert!(formatted(40_000).contains("from ps#40000 (xxx"));
    }

    #[test]
    fn escapes_output_of_programs() {
        let line = "\u{1b}[2J\u{9b}1m\tx\u{fffd}".into();
        let output = EventKind::Output {
            worker: ONE,
            stream: OutputStream::Stdout,
            line,
            cut: false,
            refused: None,
        };
        let line = format(&mut EventFormatter::default(), output).unwrap();
        assert_eq!(line, "        output `\\u{1b}[2J\\u{9b}1m\\tx\u{fffd}` from ps#1");
    }
}

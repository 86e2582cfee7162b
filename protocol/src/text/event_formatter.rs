#[cfg(test)]
mod tests;

use super::{bounded_map::BoundedMap, printable, standings::standings, turn_lines::turn_lines};
use crate::{
    ErrorCode, Event, EventKind, MAX_PLAYERS, Name, Origin, OutputStream, PlayerId, State, WorkerId,
};

/// The most program labels that are remembered: more than any server runs programs.
const MAX_LABELS: usize = 16_384;

/// The most characters of a label that are remembered.
const MAX_LABEL: usize = 256;

/// Formats events as lines for people: the server's console and `client watch` share this wording.
///
/// It remembers the labels of running programs, which moves do not carry, and the names of players, which
/// turns do not carry. Beyond a fixed number, those that came first are shown by their ids instead.
///
/// In a game with turns, every player may move in every turn. There, moves of others are left out, so that
/// what the turns bring can be read; players that join and leave are shown instead.
///
/// The result of a round is shown when the next one begins or the game is over, so that the last one is not
/// far above the last line while the programs of the game exit.
#[derive(Clone, Debug)]
pub struct EventFormatter {
    labels: BoundedMap<WorkerId, String>,
    names: BoundedMap<PlayerId, Name>,
    /// The origin whose moves are always shown.
    own: Option<Origin>,
    has_turns: bool,
    /// The result of the last round, until it is shown.
    result: Vec<String>,
}

impl Default for EventFormatter {
    fn default() -> Self {
        Self {
            labels: BoundedMap::new(MAX_LABELS),
            names: BoundedMap::new(MAX_PLAYERS),
            own: None,
            has_turns: false,
            result: Vec::new(),
        }
    }
}

impl EventFormatter {
    /// Sets the origin whose moves are shown in every game: that of the client's own player.
    pub fn set_own_origin(&mut self, origin: Origin) {
        self.own = Some(origin);
    }

    /// Replaces what is remembered with the labels and names of `state`.
    pub fn begin(&mut self, state: &State) {
        self.labels.clear();
        self.names.clear();
        for worker in &state.workers {
            self.remember(worker.id, &worker.label);
        }
        for player in &state.players {
            self.names.insert(player.id, player.name.clone());
        }
        self.has_turns = state.turn.is_some();
    }

    /// The text for `event`: one or several lines, each [printable], and without a line end after the
    /// last. `None` for events that add nothing for people to the events around them.
    pub fn format(&mut self, event: &Event) -> Option<String> {
        match &event.kind {
            EventKind::Turn(turn) => {
                self.has_turns = true;
                printable_lines(&turn_lines(turn, |player| self.name_of(player)))
            }
            EventKind::Result { round, ranking } => {
                let players = if ranking.is_empty() { ": no players" } else { "" };
                self.result = vec![format!("======== result of round {round}{players}")];
                self.result.extend(standings(ranking));
                None
            }
            EventKind::Round { .. } | EventKind::Bye { .. } => {
                let mut lines = std::mem::take(&mut self.result);
                lines.extend(self.line(event));
                printable_lines(&lines)
            }
            _ => self.line(event).map(|line| printable(&line).into_owned()),
        }
    }

    fn line(&mut self, event: &Event) -> Option<String> {
        match &event.kind {
            EventKind::Clock { clock } => Some(format!("clock = {clock:04}s")),
            EventKind::Started { worker, label, .. } => {
                self.remember(*worker, label);
                Some(format!(">>>>>>>> worker {label}"))
            }
            EventKind::Joined { player, name, from, .. } => {
                self.names.insert(*player, name.clone());
                self.has_turns.then(|| format!("        {name} joins from {}", self.source(*from)))
            }
            EventKind::Move { direction, name, from, .. } => {
                let is_shown = !self.has_turns || self.own == Some(*from);
                is_shown.then(|| self.received(&format!("{direction} {name}"), *from))
            }
            EventKind::Action { action, name, from, .. } => {
                Some(self.received(&format!("{action} {name}"), *from))
            }
            EventKind::Output { worker, stream, line, refused, .. } => {
                Some(self.output(*worker, *stream, line, *refused))
            }
            EventKind::Left { player, name, reason, .. } => {
                self.names.remove(player);
                self.has_turns.then(|| format!("        {name} leaves: {reason}"))
            }
            EventKind::Exited { worker, label, exit, running } => {
                self.labels.remove(worker);
                Some(format!("<<<<<<<< worker {label} - {exit} - {running} still running"))
            }
            EventKind::Round { round, seed } => {
                Some(format!("======== round {round} (seed {seed})"))
            }
            EventKind::Paused { reason } => Some(format!("paused: {reason}")),
            EventKind::Continued { reason } => Some(format!("continued: {reason}")),
            EventKind::Bye { reason } => Some(format!("{reason} - bye")),
            EventKind::Turn(_) | EventKind::Result { .. } | EventKind::Unknown => None,
        }
    }

    fn remember(&mut self, worker: WorkerId, label: &str) {
        self.labels.insert(worker, label.chars().take(MAX_LABEL).collect());
    }

    fn received(&self, line: &str, from: Origin) -> String {
        self.indented("got", line, from)
    }

    /// The line for the output of a program, whose first word distinguishes it from an action.
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
        format!("        {what} `{line}` from {}", self.source(from))
    }

    /// The label of the program that `from` is, if it is remembered, and otherwise the origin itself.
    fn source(&self, from: Origin) -> String {
        let label = from.worker_id().and_then(|id| self.labels.get(&id));
        label.cloned().unwrap_or_else(|| from.to_string())
    }

    fn name_of(&self, player: PlayerId) -> String {
        self.names.get(&player).map_or_else(|| format!("player {player}"), Name::to_string)
    }
}

/// One text of all `lines`, each printable; `None` if there are none.
fn printable_lines(lines: &[String]) -> Option<String> {
    let lines: Vec<_> = lines.iter().map(|line| printable(line)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

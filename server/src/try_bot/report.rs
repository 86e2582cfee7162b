use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use tribune_protocol::{Exit, text::printable};

use super::paint::{Colour, Paint};

/// How a program has played.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Whether it has played, and why not.
    pub verdict: Verdict,
    /// How many lines it has printed on standard output.
    pub lines: u64,
    /// How many of them are moves, or other actions, that the game has accepted.
    pub moves: u64,
    /// The names of its players.
    pub players: Vec<String>,
    /// How many lines were refused, by the code of the reason.
    pub refused: BTreeMap<String, u64>,
    /// How many lines of standard output are neither.
    pub plain: u64,
    /// How many lines it has printed on standard error.
    pub errors: u64,
    /// Whether its output seems to be buffered.
    pub buffering: Buffering,
    /// The time from its start to its first move, in milliseconds.
    pub first_move_ms: Option<f64>,
    /// The times from an event of the game to its next move, if it reads the game.
    pub reactions: Option<Reactions>,
    /// Whether it reads its standard input.
    pub input: InputUse,
    /// What ended it.
    pub end: EndCause,
    /// Its exit status, if it has run.
    pub exit: Option<Exit>,
}

/// Whether a program has played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It has made at least one move.
    Plays,
    /// It could not be started: why.
    NotStarted(String),
    /// It ended by itself with an error.
    Failed,
    /// It made its moves only when it was ended.
    PlaysOnlyAtEnd,
    /// It made no move.
    NoMove,
}

/// Whether output seems to be buffered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Buffering {
    /// There was no output.
    NoOutput,
    /// Lines came one by one.
    None,
    /// All lines came when the program ended.
    OnlyAtEnd,
    /// All lines came at one time while it ran.
    OneBurst,
    /// Lines came many at a time, with pauses.
    Bursts,
}

/// Times from an event of the game to the next move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reactions {
    /// How many.
    pub count: usize,
    /// The median, in milliseconds.
    pub median_ms: f64,
    /// The longest, in milliseconds.
    pub max_ms: f64,
}

/// Whether a program reads its standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputUse {
    /// It reads all of it.
    Read,
    /// It reads more slowly than the game goes on.
    Behind,
    /// It does not.
    NotRead,
    /// It has closed or replaced it.
    Closed,
    /// It ended before that could be seen.
    Unknown,
}

/// What ended a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// It ended by itself.
    Itself,
    /// The end of its standard input.
    EndOfInput,
    /// `SIGTERM`.
    Sigterm,
    /// `SIGKILL`, after the grace period.
    Sigkill,
    /// It was not seen.
    Unknown,
}

impl Report {
    /// Whether the program has played.
    pub fn has_played(&self) -> bool {
        self.verdict == Verdict::Plays
    }

    /// The report for people: several lines.
    pub fn text(&self, paint: Paint) -> String {
        let mut rows = vec![
            (
                "lines",
                format!("{} on standard output, {} on standard error", self.lines, self.errors),
            ),
            ("moves", self.moves_text()),
            ("refused", self.refused_text()),
            ("output", format!("{} of plain output", counted(self.plain, "line"))),
            ("buffering", self.buffering_text().into()),
            ("first move", self.first_move_text()),
        ];
        if let Some(reactions) = self.reactions {
            rows.push(("reaction", reactions.text()));
        }
        rows.push(("input", self.input_text().into()));
        if !matches!(self.verdict, Verdict::NotStarted(_)) {
            rows.push(("end", self.end_text()));
        }
        let rows = rows.iter().map(|(name, text)| format!("  {name:<11}{text}\n"));
        let colour = if self.has_played() { Colour::Green } else { Colour::Red };
        let verdict = paint.paint(colour, printable(&self.verdict_text()).into_owned());
        format!("\n{}\n{verdict}\n", rows.collect::<String>())
    }

    fn moves_text(&self) -> String {
        match &self.players[..] {
            [] => "none".into(),
            players => format!("{} of {}", self.moves, players.join(", ")),
        }
    }

    fn refused_text(&self) -> String {
        if self.refused.is_empty() {
            return "none".into();
        }
        let codes: Vec<String> =
            self.refused.iter().map(|(code, count)| format!("{count} {code}")).collect();
        codes.join(", ")
    }

    fn buffering_text(&self) -> &'static str {
        match self.buffering {
            Buffering::NoOutput => {
                "unknown: it printed nothing; if it should have, flush after each line"
            }
            Buffering::None => "none: lines came one by one",
            Buffering::OnlyAtEnd => "yes: all lines came when it ended; flush after each line",
            Buffering::OneBurst => "probably: all lines came at one time; flush after each line",
            Buffering::Bursts => "probably: lines came many at a time; flush after each line",
        }
    }

    fn first_move_text(&self) -> String {
        self.first_move_ms.map_or("none".into(), |ms| format!("{ms:.0} ms after its start"))
    }

    fn input_text(&self) -> &'static str {
        match self.input {
            InputUse::Read => "it reads the game",
            InputUse::Behind => "it reads the game, but falls behind",
            InputUse::NotRead => "it does not read the game, which is allowed",
            InputUse::Closed => "it has closed its standard input, which is allowed",
            InputUse::Unknown => "unknown: it ended too soon",
        }
    }

    fn end_text(&self) -> String {
        let exit = self.exit.as_ref().map_or("no exit".into(), Exit::to_string);
        let cause = match self.end {
            EndCause::Itself => "by itself",
            EndCause::EndOfInput => "at the end of its input",
            EndCause::Sigterm => "by SIGTERM, not at the end of its input",
            EndCause::Sigkill => "only by SIGKILL: it should exit at SIGTERM",
            EndCause::Unknown => return "unknown".into(),
        };
        format!("{exit}, {cause}")
    }

    fn verdict_text(&self) -> String {
        match &self.verdict {
            Verdict::Plays => "It plays.".into(),
            Verdict::NotStarted(reason) => {
                format!("It does not play: it was not started: {reason}")
            }
            Verdict::Failed => {
                let exit = self.exit.as_ref().map_or_else(String::new, Exit::to_string);
                format!("It does not play: it ended by itself with {exit}.")
            }
            Verdict::PlaysOnlyAtEnd => {
                "It does not play: its moves came only when it was ended.".into()
            }
            Verdict::NoMove => "It does not play: it made no move.".into(),
        }
    }
}

impl Reactions {
    /// The figures of `times`; `None` if there are none.
    pub(super) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let median = *times.get(times.len() / 2)?;
        let max = *times.last()?;
        Some(Self {
            count: times.len(),
            median_ms: milliseconds(median),
            max_ms: milliseconds(max),
        })
    }

    fn text(self) -> String {
        let Self { count, median_ms, max_ms } = self;
        let moves = counted(count as u64, "move");
        format!(
            "{median_ms:.1} ms from an event to its move (median), {max_ms:.1} ms (max), {moves}"
        )
    }
}

/// `time` in milliseconds, with three decimal places.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

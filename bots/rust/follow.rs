//! A bot that plays from what it reads: it follows the player that moved last.
//!
//!     rustc -O follow.rs && ./follow
//!
//! In a project with Cargo, take the crate serde_json to read the lines.

use std::env;
use std::io::{self, Write};

/// The value of a field of a JSON object: a number, or a simple text. The fields of an object have no
/// fixed order, so each is looked for by its name.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = line.split_once(&format!("\"{name}\":"))?;
    match value.strip_prefix('"') {
        Some(text) => text.split('"').next(),
        None => value.split([',', '}']).next(),
    }
}

/// The number in a field.
fn number(line: &str, name: &str) -> Option<i64> {
    field(line, name)?.parse().ok()
}

/// -1, 0 or 1: the shorter way from here to there on a board without edges.
fn step(here: i64, there: i64, size: i64) -> i64 {
    match (there - here).rem_euclid(size) {
        0 => 0,
        ahead if ahead <= size / 2 => 1,
        _ => -1,
    }
}

/// The bot's own position, that of the other player, and the size of the board.
#[derive(Default)]
struct Bot {
    origin: String,
    me: Option<(i64, i64)>,
    target: Option<(i64, i64)>,
    board: (i64, i64),
}

impl Bot {
    /// Reads a line of the game, and returns the next move, if it is time for one.
    fn read(&mut self, line: &str, name: &str) -> Option<&'static str> {
        match field(line, "type")? {
            // As in ps#1: other programs may use the same name.
            "welcome" => self.origin = field(line, "you")?.to_owned(),
            "state" => self.board = (number(line, "width")?, number(line, "height")?),
            "move" => {
                let position = Some((number(line, "x")?, number(line, "y")?));
                if field(line, "from")? == self.origin && field(line, "name")? == name {
                    self.me = position;
                } else {
                    self.target = position;
                }
            }
            // Once a second.
            "clock" => return self.next_move(),
            _ => {}
        }
        None
    }

    fn next_move(&self) -> Option<&'static str> {
        // The first move joins the game, and shows where this player is.
        let Some(me) = self.me else { return Some("N") };
        let target = self.target?;
        let way = (step(me.0, target.0, self.board.0), step(me.1, target.1, self.board.1));
        match way {
            (1, _) => Some("E"),
            (-1, _) => Some("W"),
            (_, 1) => Some("S"),
            (_, -1) => Some("N"),
            _ => None,
        }
    }
}

fn main() -> io::Result<()> {
    let name = env::args().nth(1).unwrap_or("rs-follow".to_owned());
    let mut bot = Bot::default();
    // The game comes on standard input: one JSON object per line, until the game ends.
    for line in io::stdin().lines() {
        if let Some(direction) = bot.read(&line?, &name) {
            // Rust sends each line at once.
            writeln!(io::stdout(), "{direction} {name}")?;
        }
    }
    Ok(())
}

use tribune_protocol::{Glyph, PlayerId};

use super::fault::FaultReason;

/// The greatest score, and the absolute value of the least: all whole numbers up to this are exact in
/// languages that have only floating-point numbers.
pub const SCORE_LIMIT: i64 = (1 << 53) - 1;

/// The most characters of a reason or a note.
const MAX_TEXT: usize = 256;

/// A line of a referee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// The name of the game.
    Name(String),
    /// The regular expression that the actions of players match.
    Actions(String),
    /// What a cell shows from now on.
    Draw {
        /// Cells from the western edge.
        x: i64,
        /// Cells from the northern edge.
        y: i64,
        /// `None` empties the cell.
        glyph: Option<Glyph>,
        /// The player that the cell belongs to; 0 if it belongs to none.
        player: PlayerId,
    },
    /// The score of a player.
    Score(PlayerId, i64),
    /// A player is out, for this reason.
    Out(PlayerId, String),
    /// A line for people.
    Note(String),
    /// The end of the round. `None` ranks players by their scores, otherwise these are groups of equal
    /// players, the best first.
    Result(Option<Vec<Vec<PlayerId>>>),
    /// The end of the game, for this reason.
    End(String),
    /// The turn is complete.
    Go,
}

impl Command {
    /// Parses a line; `None` if it is blank.
    ///
    /// # Errors
    /// If it is no command. Whether a command fits the game is not checked here.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, FaultReason> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim_start();
        Ok(Some(match word {
            "" => return Ok(None),
            "name" => Self::Name(rest.to_owned()),
            "actions" => Self::Actions(rest.to_owned()),
            "draw" => draw(rest)?,
            "score" => score(rest)?,
            "out" => out(rest)?,
            "note" => Self::Note(text(rest)?),
            "result" => Self::Result(ranking(rest)?),
            "end" => Self::End(text(rest)?),
            "go" if rest.is_empty() => Self::Go,
            "go" => return Err(FaultReason::Form("go")),
            _ => return Err(FaultReason::UnknownWord),
        }))
    }
}

fn draw(rest: &str) -> Result<Command, FaultReason> {
    const FORM: &str = "draw X Y GLYPH PLAYER";
    let words: Vec<&str> = rest.split_whitespace().take(5).collect();
    let (x, y, glyph, player) = match *words {
        [x, y, glyph] => (x, y, glyph, "0"),
        [x, y, glyph, player] => (x, y, glyph, player),
        _ => return Err(FaultReason::Form(FORM)),
    };
    let glyph = if glyph == "." { None } else { Some(Glyph::try_from(glyph)?) };
    let player = PlayerId(number(player, FORM)?);
    Ok(Command::Draw { x: number(x, FORM)?, y: number(y, FORM)?, glyph, player })
}

fn score(rest: &str) -> Result<Command, FaultReason> {
    const FORM: &str = "score PLAYER N";
    let words = rest.split_whitespace().take(3).collect::<Vec<_>>();
    let [player, score] = *words else { return Err(FaultReason::Form(FORM)) };
    let (player, score) = (PlayerId(number(player, FORM)?), number::<i128>(score, FORM)?);
    let in_range =
        i64::try_from(score).ok().filter(|score| score.unsigned_abs() <= SCORE_LIMIT as u64);
    Ok(Command::Score(player, in_range.ok_or(FaultReason::Score)?))
}

fn out(rest: &str) -> Result<Command, FaultReason> {
    const FORM: &str = "out PLAYER REASON";
    let (player, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if player.is_empty() {
        return Err(FaultReason::Form(FORM));
    }
    Ok(Command::Out(PlayerId(number(player, FORM)?), text(reason.trim_start())?))
}

fn ranking(rest: &str) -> Result<Option<Vec<Vec<PlayerId>>>, FaultReason> {
    const FORM: &str = "result 3 1=2";
    if rest.is_empty() {
        return Ok(None);
    }
    let player = |word: &str| number(word, FORM).map(PlayerId);
    let group = |words: &str| words.split('=').map(player).collect();
    rest.split_whitespace().map(group).collect::<Result<_, _>>().map(Some)
}

fn text(text: &str) -> Result<String, FaultReason> {
    if text.chars().count() > MAX_TEXT {
        return Err(FaultReason::TextTooLong(MAX_TEXT));
    }
    Ok(text.to_owned())
}

fn number<N: std::str::FromStr>(word: &str, form: &'static str) -> Result<N, FaultReason> {
    word.parse()
        .map_err(|_| FaultReason::NotANumber(tribune_protocol::text::quote(word.as_bytes()), form))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Command {
        Command::parse(line).unwrap().unwrap()
    }

    fn complaint(line: &str) -> String {
        Command::parse(line).unwrap_err().to_string()
    }

    #[test]
    fn parses_every_word() {
        let (ann, bob, cy) = (PlayerId(1), PlayerId(2), PlayerId(3));
        let draw = |x, y, glyph, player| Command::Draw { x, y, glyph, player };
        let cases = [
            ("name rock-paper-scissors", Command::Name("rock-paper-scissors".into())),
            ("actions bid [0-9]+|pass", Command::Actions("bid [0-9]+|pass".into())),
            ("actions", Command::Actions(String::new())),
            ("draw 4 0 @ 1", draw(4, 0, Glyph::new('@'), ann)),
            ("draw -1 70000 李", draw(-1, 70_000, Glyph::new('李'), PlayerId(0))),
            ("draw 4 0 . 2", draw(4, 0, None, bob)),
            ("score 2 -12", Command::Score(bob, -12)),
            ("out 3 ran into  bob", Command::Out(cy, "ran into  bob".into())),
            ("out 3", Command::Out(cy, String::new())),
            ("note  good luck ", Command::Note("good luck".into())),
            ("result", Command::Result(None)),
            ("result 3 1=2", Command::Result(Some(vec![vec![cy], vec![ann, bob]]))),
            ("end ann has won", Command::End("ann has won".into())),
            (" go\t", Command::Go),
        ];
        for (line, want) in cases {
            assert_eq!(parse(line), want, "{line}");
        }
        assert_eq!(Command::parse("  "), Ok(None));
    }

    #[test]
    fn invalid_lines_are_rejected_with_what_is_expected() {
        let cases = [
            ("hello", "expected draw, score, out"),
            ("GO", "unknown word"),
            ("go 17", "expected `go`"),
            ("draw 1 2", "expected `draw X Y GLYPH PLAYER`"),
            ("draw 1 2 # 1 1", "expected `draw X Y GLYPH PLAYER`"),
            ("draw 1.0 2 # 1", "\"1.0\" is not a whole number"),
            ("draw 1 2 ## 1", "expected one visible character, or . for an empty cell"),
            ("draw 1 2 # -1", "\"-1\" is not a whole number"),
            ("score 1", "expected `score PLAYER N`"),
            ("score 1 many", "\"many\" is not a whole number"),
            ("score 1 9007199254740992", "expected -9007199254740991 to 9007199254740991"),
            ("score 1 -99999999999999999999", "invalid score"),
            ("out", "expected `out PLAYER REASON`"),
            ("out ann crash", "\"ann\" is not a whole number: expected `out PLAYER REASON`"),
            ("result 3 1=", "\"\" is not a whole number: expected `result 3 1=2`"),
        ];
        for (line, part) in cases {
            let complaint = complaint(line);
            assert!(complaint.contains(part), "{line}: {complaint}");
        }
        assert_eq!(parse(&format!("note {}", "é".repeat(256))), Command::Note("é".repeat(256)));
        assert!(complaint(&format!("end {}", "é".repeat(257))).contains("at most 256 characters"));
    }

    proptest! {
        #[test]
        fn no_line_causes_a_panic(
            word in "(name|actions|draw|score|out|note|result|end|go|)", rest in ".{0,40}",
            numbers in prop::collection::vec(any::<i128>(), 0..5),
        ) {
            let _ = Command::parse(&format!("{word} {rest}"));
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            let _ = Command::parse(&format!("{word} {}", numbers.join(" ")));
        }
    }
}

use std::time::Duration;

use tribune_protocol::{Refusal, text::printable};

use super::paint::{Colour, Paint};
use crate::observer::ObservedLine;

/// The row that shows a line of the program, printed at `at` since its start: what it is, and why
/// it is not a move.
pub fn line_row(at: Duration, line: &ObservedLine, paint: Paint) -> String {
    match line {
        ObservedLine::Action(action) => {
            row(at, "move", &action.to_string(), None, Colour::Green, paint)
        }
        ObservedLine::Refused(line, refusal) => {
            row(at, "refused", line, Some(refusal), Colour::Red, paint)
        }
        ObservedLine::Plain(line, refusal) => {
            row(at, "output", line, Some(refusal), Colour::Yellow, paint)
        }
        ObservedLine::Error(line) => row(at, "stderr", line, None, Colour::Dim, paint),
    }
}

/// The row that shows that the game has refused an action which was shown as a move.
pub fn refusal_row(at: Duration, refusal: &Refusal, paint: Paint) -> String {
    row(at, "refused", "", Some(refusal), Colour::Red, paint)
}

fn row(
    at: Duration,
    what: &str,
    line: &str,
    reason: Option<&Refusal>,
    colour: Colour,
    paint: Paint,
) -> String {
    let reason = reason.map(|refusal| format!("{}: {}", refusal.code, refusal.message));
    let text = match (line, reason) {
        ("", reason) => reason.unwrap_or_default(),
        (line, None) => line.to_owned(),
        (line, Some(reason)) => format!("{line}  ({reason})"),
    };
    let row = format!("{:>8.3} s  {what:<8} {}", at.as_secs_f64(), printable(&text));
    format!("{}\n", paint.paint(colour, row))
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{ErrorCode, Move};

    use super::*;

    const PLAIN: Paint = Paint { colours: false };

    #[test]
    fn rows_say_what_a_line_is_and_why() {
        let at = Duration::from_millis(1234);
        let shown = |line: ObservedLine| line_row(at, &line, PLAIN);
        let action = ObservedLine::Action(Move::parse("n ann").unwrap().into());
        assert_eq!(shown(action), "   1.234 s  move     N ann\n");
        let refusal = Refusal::new(ErrorCode::BadName, "a reason");
        assert_eq!(
            shown(ObservedLine::Refused("N x y".into(), refusal.clone())),
            "   1.234 s  refused  N x y  (bad_name: a reason)\n"
        );
        assert_eq!(
            shown(ObservedLine::Plain("\u{1b}[2J".into(), refusal.clone())),
            "   1.234 s  output   \\u{1b}[2J  (bad_name: a reason)\n"
        );
        assert_eq!(shown(ObservedLine::Error("oops".into())), "   1.234 s  stderr   oops\n");
        assert_eq!(refusal_row(at, &refusal, PLAIN), "   1.234 s  refused  bad_name: a reason\n");
    }

    #[test]
    fn rows_are_coloured_as_a_whole() {
        let action = ObservedLine::Action(Move::parse("n ann").unwrap().into());
        let row = line_row(Duration::ZERO, &action, Paint { colours: true });
        assert_eq!(row, "\u{1b}[32m   0.000 s  move     N ann\u{1b}[0m\n");
    }
}

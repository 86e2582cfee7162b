use crate::{PlayerId, Turn};

/// The lines for people about `turn`: its notes, the players that are out with the reasons, and the scores that changed. `name`
/// gives the name of a player. Cells are left out, as they make sense only as a picture.
///
/// Apart from notes there is at most one line of each kind, however many players it is about.
pub(super) fn turn_lines(turn: &Turn, name: impl Fn(PlayerId) -> String) -> Vec<String> {
    let mut lines: Vec<String> = turn.notes.iter().map(|note| format!("        {note}")).collect();
    let out = turn.out.iter().map(|(player, reason)| match reason.as_str() {
        "" => format!("{} is out", name(*player)),
        reason => format!("{} is out: {reason}", name(*player)),
    });
    lines.extend(joined("", out, "; "));
    let scores = turn.scores.iter().map(|(player, score)| format!("{} {score}", name(*player)));
    lines.extend(joined("scores: ", scores, ", "));
    lines
}

/// One line of all `parts`; `None` if there are none.
fn joined(title: &str, parts: impl Iterator<Item = String>, separator: &str) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!("        {title}{}", parts.join(separator)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellContent, Glyph};

    fn lines(turn: &Turn) -> Vec<String> {
        turn_lines(turn, |player| format!("player {player}"))
    }

    #[test]
    fn each_kind_of_change_is_one_line() {
        let turn = Turn {
            turn: 7,
            cells: vec![CellContent { x: 0, y: 0, glyph: Glyph::new('a'), player: PlayerId(1) }],
            scores: vec![(PlayerId(1), 12), (PlayerId(3), -1)],
            out: vec![(PlayerId(2), "ran into bob".into()), (PlayerId(4), String::new())],
            notes: vec!["the wind turns".into(), "rain".into()],
        };
        let want = [
            "        the wind turns",
            "        rain",
            "        player 2 is out: ran into bob; player 4 is out",
            "        scores: player 1 12, player 3 -1",
        ];
        assert_eq!(lines(&turn), want);
    }

    #[test]
    fn cells_are_not_shown() {
        let cell = CellContent { x: 0, y: 0, glyph: Glyph::new('a'), player: PlayerId(1) };
        assert!(lines(&Turn { turn: 1, cells: vec![cell], ..Turn::default() }).is_empty());
    }
}

use super::display_width;
use crate::Standing;

/// The most rows of a table. The players after them are only counted.
const MAX_ROWS: usize = 100;

/// The rows of a table of `ranking`: rank, name and score in aligned columns.
pub(super) fn standings(ranking: &[Standing]) -> Vec<String> {
    let shown = &ranking[..ranking.len().min(MAX_ROWS)];
    let rows: Vec<[String; 3]> = shown
        .iter()
        .map(|Standing { rank, name, score, .. }| {
            [rank.to_string(), name.to_string(), score.to_string()]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| display_width(&row[column])).max();
    let [ranks, names, scores] = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    let mut lines: Vec<String> = rows
        .iter()
        .map(|[rank, name, score]| {
            // Padding by `format!` counts characters rather than columns.
            let gap = " ".repeat(names - display_width(name));
            format!("        {rank:>ranks$}  {name}{gap}  {score:>scores$}")
        })
        .collect();
    if ranking.len() > shown.len() {
        lines.push(format!("        and {} more", ranking.len() - shown.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlayerId;

    fn standing(rank: u64, name: &str, score: i64) -> Standing {
        Standing { rank, player: PlayerId(1), name: name.parse().unwrap(), score }
    }

    #[test]
    fn columns_are_aligned_by_display_width() {
        let ranking = [
            standing(1, "ann", 112),
            standing(2, "李小龍", 7),
            standing(2, "j", -3),
            standing(10, "Jürgen", 0),
        ];
        let want = [
            "         1  ann     112",
            "         2  李小龍    7",
            "         2  j        -3",
            "        10  Jürgen    0",
        ];
        assert_eq!(standings(&ranking), want);
        let widths = want.map(display_width);
        assert!(widths.iter().all(|&width| width == widths[0]), "{widths:?}");
    }

    #[test]
    fn long_rankings_are_cut() {
        let ranking: Vec<_> = (1..=130).map(|rank| standing(rank, "ann", 5)).collect();
        let lines = standings(&ranking);
        assert_eq!((lines.len(), lines[100].as_str()), (101, "        and 30 more"));
        assert!(standings(&[]).is_empty());
    }
}

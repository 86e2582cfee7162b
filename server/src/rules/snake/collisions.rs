use std::cmp::Reverse;

use tribune_protocol::{Name, PlayerId};

use super::board::{Board, Content};
use crate::rules::Cell;

/// A head that is about to enter a cell.
#[derive(Clone, Debug)]
pub struct Head {
    /// The player.
    pub player: PlayerId,
    /// Its name.
    pub name: Name,
    /// The cell.
    pub cell: Cell,
    /// How many cells the snake has after the step.
    pub length: usize,
}

impl Head {
    /// Sorts heads by cells, and those of a cell by lengths, the longest first. Among equals, names decide
    /// which one a reason names.
    fn order(&self) -> impl Ord {
        (self.cell.y, self.cell.x, Reverse(self.length), &self.name, self.player)
    }
}

/// The players whose snakes die, with the reasons, by player.
///
/// `heads` are those of all snakes, by player. The tails have left their cells on the `board` already, and
/// the heads have not entered theirs: what is there is a body.
///
/// A head that enters any body dies. That includes the cell of the head that was there before, which is a
/// neck now, so two snakes that try to exchange cells both die. Of heads that meet in a cell
/// without a body, the single longest lives; if several are longest, all die.
pub fn deaths(heads: &[Head], board: &Board) -> Vec<(PlayerId, String)> {
    let mut by_cell: Vec<&Head> = heads.iter().collect();
    by_cell.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
    let mut deaths = Vec::new();
    for meeting in by_cell.chunk_by(|a, b| a.cell == b.cell) {
        let owner = match board.get(meeting[0].cell) {
            Content::Snake(owner) => Some(owner),
            Content::Empty | Content::Food(_) => None,
        };
        for (index, head) in meeting.iter().enumerate() {
            let reason = match owner {
                Some(owner) => Some(reason_of_body(head, owner, heads)),
                None => reason_of_meeting(index, meeting),
            };
            deaths.extend(reason.map(|reason| (head.player, reason)));
        }
    }
    deaths.sort_unstable_by_key(|&(player, _)| player);
    deaths
}

/// Why `head` dies, as it enters a cell of the snake of `owner`.
fn reason_of_body(head: &Head, owner: PlayerId, heads: &[Head]) -> String {
    if owner == head.player {
        return "ran into itself".to_owned();
    }
    let owner = heads.binary_search_by_key(&owner, |head| head.player);
    // All snakes on the board have a head.
    owner
        .map_or_else(|_| "ran into a snake".to_owned(), |at| format!("ran into {}", heads[at].name))
}

/// Why the head at `index` of those that meet dies; `None` if it lives.
fn reason_of_meeting(index: usize, meeting: &[&Head]) -> Option<String> {
    let head = meeting[index];
    let longest_other = meeting[usize::from(index == 0)..].first()?;
    let comparison = match longest_other.length {
        length if length > head.length => "longer",
        length if length == head.length => "as long",
        _ => return None,
    };
    Some(format!("met {}, which was {comparison}", longest_other.name))
}

#[cfg(test)]
mod tests {
    use tribune_protocol::BoardSize;

    use super::*;

    /// The deaths of snakes whose heads enter cells of a row, given as (name, x, length). `bodies` are the
    /// cells of the row that have a body, given as (x, index of the snake).
    fn deaths_in_a_row(heads: &[(&str, u16, usize)], bodies: &[(u16, u64)]) -> Vec<String> {
        let mut board = Board::new(BoardSize { width: 9, height: 1 });
        for &(x, player) in bodies {
            board.set(Cell { x, y: 0 }, Content::Snake(PlayerId(player)));
        }
        let heads: Vec<Head> = (0..)
            .zip(heads)
            .map(|(id, &(name, x, length))| Head {
                player: PlayerId(id),
                name: name.parse().unwrap(),
                cell: Cell { x, y: 0 },
                length,
            })
            .collect();
        let named = |(player, reason): (PlayerId, String)| {
            let head = heads.iter().find(|head| head.player == player).unwrap();
            format!("{} {reason}", head.name)
        };
        deaths(&heads, &board).into_iter().map(named).collect()
    }

    #[test]
    fn heads_that_enter_a_body_die() {
        assert_eq!(
            deaths_in_a_row(&[("ann", 3, 5), ("bob", 6, 2), ("cid", 7, 9)], &[(3, 0), (6, 0)]),
            ["ann ran into itself", "bob ran into ann"]
        );
    }

    #[test]
    fn snakes_that_try_to_exchange_cells_both_die() {
        assert_eq!(
            deaths_in_a_row(&[("ann", 4, 9), ("bob", 3, 3)], &[(3, 0), (4, 1)]),
            ["ann ran into bob", "bob ran into ann"]
        );
    }

    #[test]
    fn the_single_longest_of_heads_that_meet_lives() {
        assert_eq!(
            deaths_in_a_row(&[("ann", 4, 3), ("bob", 4, 5), ("cid", 4, 4), ("dan", 5, 1)], &[]),
            ["ann met bob, which was longer", "cid met bob, which was longer"]
        );
    }

    #[test]
    fn equally_long_heads_that_meet_all_die() {
        assert_eq!(
            deaths_in_a_row(&[("cid", 4, 5), ("ann", 4, 3), ("bob", 4, 5)], &[]),
            [
                "cid met bob, which was as long",
                "ann met bob, which was longer",
                "bob met cid, which was as long"
            ]
        );
    }

    #[test]
    fn length_does_not_help_a_head_that_meets_another_on_a_body() {
        assert_eq!(
            deaths_in_a_row(&[("ann", 4, 9), ("bob", 4, 3), ("cid", 5, 3)], &[(4, 2)]),
            ["ann ran into cid", "bob ran into cid"]
        );
    }
}

use std::collections::VecDeque;

use super::view::{Position, Tile, View};
use tribune_protocol::Direction;

/// What a snake would find after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// How many cells it could reach from there, without the snakes moving. No more are counted than
    /// asked for.
    pub space: usize,
    /// How many steps the nearest food is away; `None` if none was found within that space.
    pub food: Option<usize>,
}

/// Looks around from the cell `start`, which must have no snake, until `enough` cells are found.
pub fn look_ahead(view: &View, start: Position, enough: usize) -> Prospect {
    let mut seen = vec![false; view.cells()];
    let mut queue = VecDeque::from([(start, 0)]);
    seen[view.index(start)] = true;
    let mut found = Prospect { space: 0, food: None };
    while let Some((at, distance)) = queue.pop_front() {
        found.space += 1;
        if found.food.is_none() && view.tile(at) == Tile::Food {
            found.food = Some(distance);
        }
        if found.space >= enough {
            break;
        }
        for next in Direction::ALL.map(|direction| view.neighbour(at, direction)) {
            let index = view.index(next);
            if !seen[index] && view.tile(next) != Tile::Snake {
                seen[index] = true;
                queue.push_back((next, distance + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_ends_at_snakes_and_food_is_found_around_them() {
        let view = View::drawn(
            &[
                "bbbbbbb", //
                "b.b3..b", "b.bb..b", "b....Ab",
            ],
            None,
        );
        let prospect = |start, enough| look_ahead(&view, start, enough);
        assert_eq!(prospect((4, 3), 99), Prospect { space: 11, food: Some(3) });
        assert_eq!(prospect((1, 1), 99), Prospect { space: 11, food: Some(8) });
        assert_eq!(prospect((1, 1), 4), Prospect { space: 4, food: None });
    }
}

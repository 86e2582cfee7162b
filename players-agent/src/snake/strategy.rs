use std::cmp::Reverse;

use rand::{Rng, RngExt, seq::IndexedRandom};
use tribune_protocol::Direction;

use super::{Skill, search::look_ahead, view::View};

/// A snake that wanders turns once in this many steps on average.
const STEPS_PER_TURN: u32 = 6;

/// A careful snake prefers a way with this many times as many cells as it has itself, as it will grow, and
/// others come.
const AMPLE_SPACE: usize = 3;

/// The direction in which a snake of this skill goes next.
pub fn choose(skill: Skill, view: &View, random: &mut impl Rng) -> Direction {
    let chosen = match skill {
        Skill::Wanders => None,
        Skill::Greedy => greedy(view),
        Skill::Careful => careful(view),
    };
    // Without a safe step, one is as bad as another.
    chosen.unwrap_or_else(|| wander(view, random))
}

/// Goes straight on most of the time.
fn wander(view: &View, random: &mut impl Rng) -> Direction {
    match view.heading {
        Some(heading) if random.random_range(0..STEPS_PER_TURN) > 0 => heading,
        _ => {
            let directions: Vec<Direction> = view.steps().map(|(direction, _)| direction).collect();
            *directions.choose(random).expect("there are at least three")
        }
    }
}

/// Goes to the nearest food by a step that is safe now.
fn greedy(view: &View) -> Option<Direction> {
    let steps = view.safe_steps().map(|(direction, to)| {
        let food = look_ahead(view, to, view.cells()).food;
        (food.unwrap_or(usize::MAX), Some(direction) != view.heading, direction)
    });
    let best = steps.min_by_key(|&(food, turns, _)| (food, turns));
    best.map(|(.., direction)| direction)
}

/// Goes to the nearest food where there is room for all of it, and no other head may come.
fn careful(view: &View) -> Option<Direction> {
    let steps = view.safe_steps().map(|(direction, to)| {
        let ahead = look_ahead(view, to, view.cells());
        let merit = (
            ahead.space > view.length,
            !view.is_contested(to),
            ahead.space > AMPLE_SPACE * view.length,
            Reverse(ahead.food.unwrap_or(usize::MAX)),
            Some(direction) == view.heading,
        );
        (merit, direction)
    });
    steps.max_by_key(|&(merit, _)| merit).map(|(_, direction)| direction)
}

#[cfg(test)]
mod tests {
    use Direction::{East, North, West};
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    use super::*;

    fn chosen(skill: Skill, rows: &[&str], heading: Direction) -> Direction {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        choose(skill, &View::drawn(rows, Some(heading)), &mut random)
    }

    #[test]
    fn a_wanderer_goes_everywhere_but_back() {
        let view = View::drawn(&[".......", "..aaA..", "......."], Some(East));
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        let mut counts = [0; 4];
        for _ in 0..600 {
            let direction = choose(Skill::Wanders, &view, &mut random);
            counts[Direction::ALL.iter().position(|&known| known == direction).unwrap()] += 1;
        }
        let [north, south, east, west] = counts;
        assert!(north > 10 && south > 10 && east > 400 && west == 0, "{counts:?}");
    }

    #[test]
    fn the_nearest_food_may_be_across_the_edge() {
        let rows = [
            "..aaA...3", //
            ".........",
            ".........",
            "....4....",
        ];
        for skill in [Skill::Greedy, Skill::Careful] {
            assert_eq!(chosen(skill, &rows, East), North);
        }
    }

    #[test]
    fn a_greedy_snake_does_not_enter_bodies() {
        let rows = [
            "......b3..", //
            "...aaAb...",
            "......b...",
            "......b...",
        ];
        for skill in [Skill::Greedy, Skill::Careful] {
            assert_ne!(chosen(skill, &rows, East), East);
        }
    }

    #[test]
    fn only_a_careful_snake_avoids_a_dead_end() {
        let rows = [
            "bbbb......", //
            "b3..Aaaaaa",
            "bbbb......",
            "..........",
            "..........",
        ];
        assert_eq!(chosen(Skill::Greedy, &rows, West), West);
        assert_ne!(chosen(Skill::Careful, &rows, West), West);
    }

    #[test]
    fn only_a_careful_snake_keeps_away_from_other_heads() {
        let rows = [
            ".........", //
            "aaA3Bbbbb",
            ".........",
            ".........",
        ];
        assert_eq!(chosen(Skill::Greedy, &rows, East), East);
        assert_ne!(chosen(Skill::Careful, &rows, East), East);
        let shorter = [
            ".........", //
            "aaA3Bb...",
            ".........",
            ".........",
        ];
        assert_eq!(chosen(Skill::Careful, &shorter, East), East);
    }

    #[test]
    fn a_snake_without_a_safe_step_goes_on_all_the_same() {
        let rows = ["bbb", "aAb", "bbb"];
        for skill in Skill::ALL {
            assert_ne!(chosen(skill, &rows, East), West);
        }
    }
}

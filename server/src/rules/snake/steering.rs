use std::collections::VecDeque;

use thiserror::Error;
use tribune_protocol::Direction;

/// How many directions can be queued: two keys that are pressed within one turn both count.
const MAX_WAITING: usize = 2;

/// Where a snake goes: its heading, and the directions that it takes next, one in each turn of the game.
///
/// Each direction is checked against the one that is travelled just before it, not against the current
/// heading. So whatever is pressed within a turn, a snake never turns back into its own neck.
///
/// Before its first step a snake has no neck, and a new direction replaces the queued one. Otherwise the action by
/// which a player joins, before its cell is known, could not be changed, and in lockstep would delay all later ones.
#[derive(Clone, Debug, Default)]
pub struct Steering {
    /// The direction of its last step; `None` before the first.
    heading: Option<Direction>,
    waiting: VecDeque<Direction>,
}

/// A snake cannot take a direction. The messages continue the name of its player.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SteeringError {
    /// It is opposite to the direction that is travelled before it.
    #[error("travels {0} and cannot turn back")]
    Reversal(Direction),
    /// Too many directions are waiting.
    #[error("has {MAX_WAITING} directions queued already")]
    Full,
}

impl Steering {
    /// Adds a direction to those that wait. One that is travelled before it anyway adds nothing.
    ///
    /// # Errors
    /// If it is a reversal, or too many are waiting.
    pub fn push(&mut self, direction: Direction) -> Result<(), SteeringError> {
        let Some(heading) = self.heading else {
            self.waiting = VecDeque::from([direction]);
            return Ok(());
        };
        let before = self.waiting.back().copied().unwrap_or(heading);
        if before == direction {
            return Ok(());
        }
        if before == direction.opposite() {
            return Err(SteeringError::Reversal(before));
        }
        if self.waiting.len() == MAX_WAITING {
            return Err(SteeringError::Full);
        }
        self.waiting.push_back(direction);
        Ok(())
    }

    /// The direction of the next step: the first that waits, or else straight on. A snake that has not
    /// moved yet, and for which none waits, takes the direction that `first` gives.
    pub fn step(&mut self, first: impl FnOnce() -> Direction) -> Direction {
        let next = self.waiting.pop_front().or(self.heading);
        *self.heading.insert(next.unwrap_or_else(first))
    }
}

#[cfg(test)]
mod tests {
    use Direction::{East, North, South, West};
    use proptest::prelude::*;

    use super::*;

    /// Takes a step that some direction decides.
    fn step(steering: &mut Steering) -> Direction {
        steering.step(|| panic!("no direction is known"))
    }

    #[test]
    fn two_directions_within_a_turn_are_taken_one_after_the_other() {
        let mut steering = Steering::default();
        assert_eq!(steering.step(|| East), East);
        assert_eq!((steering.push(North), steering.push(West)), (Ok(()), Ok(())));
        assert_eq!(steering.push(South), Err(SteeringError::Full));
        assert_eq!([(); 3].map(|()| step(&mut steering)), [North, West, West]);
    }

    #[test]
    fn the_last_direction_before_the_first_step_counts() {
        let mut steering = Steering::default();
        for direction in [East, North, West] {
            assert_eq!(steering.push(direction), Ok(()));
        }
        assert_eq!([(); 2].map(|()| step(&mut steering)), [West, West]);
    }

    #[test]
    fn reversals_are_refused() {
        let mut steering = Steering::default();
        assert_eq!(steering.step(|| West), West);
        assert_eq!(steering.push(East), Err(SteeringError::Reversal(West)));
        let message = SteeringError::Reversal(West).to_string();
        assert_eq!(message, "travels W and cannot turn back");
    }

    #[test]
    fn the_direction_that_is_travelled_already_adds_nothing() {
        let mut steering = Steering::default();
        assert_eq!(steering.step(|| North), North);
        for _ in 0..10 {
            assert_eq!(steering.push(North), Ok(()));
        }
        assert_eq!(steering.push(East), Ok(()));
        assert_eq!(steering.push(East), Ok(()));
        assert_eq!([(); 3].map(|()| step(&mut steering)), [East, East, East]);
    }

    proptest! {
        #[test]
        fn no_step_is_opposite_to_the_one_before(
            turns in prop::collection::vec(
                prop::collection::vec(prop::sample::select(Direction::ALL.to_vec()), 0..5), 1..30,
            ),
        ) {
            let mut steering = Steering::default();
            let mut last = steering.step(|| East);
            for keys in turns {
                for key in keys {
                    let _ = steering.push(key);
                }
                let next = step(&mut steering);
                prop_assert_ne!(next, last.opposite());
                last = next;
            }
        }
    }
}

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus, seq::IndexedRandom};
use tribune_protocol::{Direction, Move, Name};

use crate::{Player, Predef};

/// A move that is due at a certain time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMove {
    /// The time since the start of the program.
    pub due: Duration,
    /// The move.
    pub step: Move,
}

/// All moves of the two players of `predef`, in order of time.
///
/// Each player draws its pauses and directions from a generator of its own, and the two play
/// concurrently. Their moves are sorted here rather than by two racing timers, so that the same
/// `seed` always gives the same moves in the same order. The numbers of the generator do not depend
/// on the machine.
pub fn plan(predef: Predef, seed: u64) -> Vec<PlannedMove> {
    let mut seeds = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut moves: Vec<PlannedMove> = predef
        .players()
        .into_iter()
        .flat_map(|player| moves_of(player, Xoshiro256PlusPlus::from_rng(&mut seeds)))
        .collect();
    moves.sort_by_key(|planned| planned.due);
    moves
}

fn moves_of(player: Player, mut random: Xoshiro256PlusPlus) -> impl Iterator<Item = PlannedMove> {
    let name = Name::try_from(player.name).expect("the names of predefs are valid");
    let mut due = Duration::ZERO;
    (0..player.moves).map(move |_| {
        due += random.random_range(Duration::ZERO..=player.longest_pause);
        let direction = *Direction::ALL.choose(&mut random).expect("there are four directions");
        PlannedMove { due, step: Move { direction, name: name.clone() } }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pauses of one player.
    fn pauses(moves: &[PlannedMove], name: &str) -> Vec<Duration> {
        let due = moves
            .iter()
            .filter(|planned| planned.step.name.as_str() == name)
            .map(|planned| planned.due);
        due.scan(Duration::ZERO, |last, due| Some(due.saturating_sub(std::mem::replace(last, due))))
            .collect()
    }

    proptest! {
        #[test]
        fn players_make_all_their_moves_and_no_pause_is_too_long(
            predef in prop::sample::select(Predef::ALL.to_vec()),
            seed in any::<u64>(),
        ) {
            let moves = plan(predef, seed);
            prop_assert!(moves.is_sorted_by_key(|planned| planned.due));
            for player in predef.players() {
                let pauses = pauses(&moves, player.name);
                prop_assert_eq!(pauses.len(), player.moves as usize);
                prop_assert!(pauses.iter().all(|&pause| pause <= player.longest_pause));
            }
            prop_assert_eq!(&moves, &plan(predef, seed));
        }
    }

    #[test]
    fn moves_depend_on_the_seed_and_are_spread_evenly() {
        assert_ne!(plan(Predef::Four, 1), plan(Predef::Four, 2));
        let moves: Vec<PlannedMove> = (0..50).flat_map(|seed| plan(Predef::Four, seed)).collect();
        for direction in Direction::ALL {
            let share = moves.iter().filter(|planned| planned.step.direction == direction).count();
            assert!((150..350).contains(&share), "{share} of {} go {direction}", moves.len());
        }
        // Uniform from 0 to 0.5 s over 600 draws: a mean of 0.25 s, give or take 6 ms.
        let bertrand: Vec<Duration> =
            (0..50).flat_map(|seed| pauses(&plan(Predef::Four, seed), "bertrand")).collect();
        let mean = bertrand.iter().sum::<Duration>() / u32::try_from(bertrand.len()).unwrap();
        assert!((220..280).contains(&mean.as_millis()), "{mean:?}");
    }
}

use std::collections::HashMap;

use tribune_protocol::{PlayerId, PlayerState, Standing};

use crate::rules::RoundResult;

/// The ranking of `players` by `result`, the best first. Equal players have equal ranks, and are in the
/// order in which they joined.
pub fn ranking(result: &RoundResult, players: &[PlayerState]) -> Vec<Standing> {
    let mut ordered: Vec<(i64, &PlayerState)> = match result {
        RoundResult::ByScore => {
            players.iter().map(|player| (score(player).saturating_neg(), player)).collect()
        }
        RoundResult::Ranking(groups) => {
            let places = places(groups);
            let place = |player: &PlayerState| places.get(&player.id).copied().unwrap_or(i64::MAX);
            players.iter().map(|player| (place(player), player)).collect()
        }
    };
    ordered.sort_by_key(|&(place, player)| (place, player.id));
    let mut standings: Vec<Standing> = Vec::with_capacity(ordered.len());
    let mut last_place = None;
    for (index, (place, player)) in (1..).zip(ordered) {
        let is_equal = last_place.replace(place) == Some(place);
        let rank = standings.last().filter(|_| is_equal).map_or(index, |last| last.rank);
        let (id, name) = (player.id, player.name.clone());
        standings.push(Standing { rank, player: id, name, score: score(player) });
    }
    standings
}

fn score(player: &PlayerState) -> i64 {
    player.score.unwrap_or(0)
}

/// The group that each player is in. Players in none are behind all groups.
fn places(groups: &[Vec<PlayerId>]) -> HashMap<PlayerId, i64> {
    let numbered = (0..).zip(groups);
    numbered.flat_map(|(place, group)| group.iter().map(move |&player| (player, place))).collect()
}

#[cfg(test)]
mod tests {
    use tribune_protocol::{ConnectionId, Origin};

    use super::*;

    fn ranks(result: &RoundResult, scores: &[i64]) -> Vec<(u64, u64)> {
        let player = |(id, &score): (u64, &i64)| PlayerState {
            id: PlayerId(id),
            name: "ann".parse().unwrap(),
            from: Origin::tcp(ConnectionId(id)),
            x: 0,
            y: 0,
            moves: 0,
            score: Some(score),
            alive: Some(true),
        };
        let players: Vec<PlayerState> = (1..).zip(scores).map(player).collect();
        ranking(result, &players).iter().map(|place| (place.rank, place.player.0)).collect()
    }

    #[test]
    fn equal_scores_have_equal_ranks() {
        let want = [(1, 2), (1, 4), (3, 3), (4, 1), (4, 5)];
        assert_eq!(ranks(&RoundResult::ByScore, &[-1, 7, 3, 7, -1]), want);
        assert_eq!(ranks(&RoundResult::ByScore, &[]), []);
    }

    #[test]
    fn groups_are_ranked_in_order_and_others_are_last() {
        let groups = [vec![4], vec![1, 3]].map(|group| group.into_iter().map(PlayerId).collect());
        let result = RoundResult::Ranking(groups.into());
        let want = [(1, 4), (2, 1), (2, 3), (4, 2), (4, 5)];
        assert_eq!(ranks(&result, &[9, 9, 0, 0, 9]), want);
    }
}

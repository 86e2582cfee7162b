use std::collections::{BTreeMap, VecDeque};

use players_agent::snake::{Bot, Skill};
use tribune_protocol::{ControlMessage, GameId, ServerLine, Welcome};

use super::super::*;

/// The time from turn to turn, and of the players' lines after a turn.
const PERIOD: u64 = 100;

/// A game with players of these skills, which get every line that a server sends.
struct Match {
    game: Game,
    bots: Vec<Bot>,
    /// The moves that they have made and the game has not got.
    moves: VecDeque<(Origin, Move)>,
    deaths: BTreeMap<PlayerId, u64>,
    refusals: Vec<String>,
}

fn origin(index: usize) -> Origin {
    Origin::program(WorkerId(u64::try_from(index).unwrap() + 1))
}

fn welcome(game: &Game, you: Origin) -> ServerLine {
    ServerLine::Control(ControlMessage::Welcome(Welcome {
        protocol: 1,
        game: GameId("g".into()),
        server: "1".into(),
        rules: Some("snake".into()),
        you,
        seq: game.seq(),
        oldest: Seq(1),
        tick_ms: 1000,
        move_rate: None,
    }))
}

impl Match {
    fn new(skills: &[Skill], seed: u64, lockstep: bool) -> Self {
        let turns =
            TurnConfig { period: at(PERIOD), lockstep, min_players: 0, referee_timeout: at(500) };
        let rules = RulesConfig::Snake;
        let respawn = Some(at(3000));
        let mut game =
            Game::new(GameConfig { rules, turns, respawn, seed, stay: true, ..config("") });
        game.advance(at(0));
        take(&mut game);
        let mut bots = Vec::new();
        let mut moves = VecDeque::new();
        for (index, &skill) in skills.iter().enumerate() {
            let name = format!("bot-{index}").parse().unwrap();
            let mut bot = Bot::new(name, skill, seed).with_only_changes(!lockstep);
            bot.read(welcome(&game, origin(index)));
            let state = ServerLine::Control(ControlMessage::State(game.state()));
            moves.extend(bot.read(state).map(|step| (origin(index), step)));
            bots.push(bot);
        }
        Self { game, bots, moves, deaths: BTreeMap::new(), refusals: Vec::new() }
    }

    /// Plays until `end`, in milliseconds. All answer 10 ms after each turn.
    fn play_until(&mut self, end: u64) {
        for now in (0..end).step_by(10).map(at) {
            self.game.advance(now);
            self.exchange_lines(now);
        }
    }

    /// Passes moves to the game and its lines to the players, until nothing is left to pass. What they
    /// answer to those comes later.
    fn exchange_lines(&mut self, now: Duration) {
        for (from, step) in std::mem::take(&mut self.moves) {
            self.game.apply(Input::Actions { from, actions: vec![step.into()] }, now);
        }
        let (events, effects) = take(&mut self.game);
        for event in events {
            if let EventKind::Turn(turn) = &event.kind {
                for (player, _) in &turn.out {
                    *self.deaths.entry(*player).or_default() += 1;
                }
            }
            for (index, bot) in self.bots.iter_mut().enumerate() {
                let answer = bot.read(ServerLine::Event(event.clone()));
                self.moves.extend(answer.map(|step| (origin(index), step)));
            }
        }
        for effect in effects {
            let Effect::Refuse(from, refusal) = effect else { continue };
            self.refusals.push(refusal.message.clone());
            let index = (0..self.bots.len()).find(|&index| origin(index) == from).unwrap();
            let error = ControlMessage::Error { code: refusal.code, message: refusal.message };
            let answer = self.bots[index].read(ServerLine::Control(error));
            self.moves.extend(answer.map(|step| (from, step)));
        }
    }

    /// The scores in the order of the skills.
    fn scores(&self) -> Vec<i64> {
        let players = self.game.state().players;
        (0..self.bots.len())
            .map(|index| {
                let mut of_bot = players.iter().filter(|player| player.from == origin(index));
                of_bot.next().and_then(|player| player.score).unwrap_or(0)
            })
            .collect()
    }
}

#[test]
fn better_players_of_snake_have_higher_scores() {
    let mut totals = [0; 3];
    for seed in 0..8 {
        let mut game = Match::new(&Skill::ALL, seed, false);
        game.play_until(60_000);
        for (total, score) in totals.iter_mut().zip(game.scores()) {
            *total += score;
        }
    }
    let [wanders, greedy, careful] = totals;
    assert!(careful > greedy && greedy > 2 * wanders && wanders > 0, "{totals:?}");
}

#[test]
fn players_of_snake_return_after_death() {
    let mut game = Match::new(&[Skill::Wanders; 4], 7, false);
    game.play_until(60_000);
    assert!(game.deaths.values().any(|&deaths| deaths > 1), "{:?}", game.deaths);
}

#[test]
fn players_of_snake_answer_each_turn_in_lockstep_in_time() {
    let mut game = Match::new(&[Skill::Wanders, Skill::Wanders, Skill::Careful], 7, true);
    game.play_until(10_000);
    assert!(game.deaths.values().sum::<u64>() > 3, "{:?}", game.deaths);
    assert!(game.refusals.iter().all(|message| message.contains("is out")), "{:?}", game.refusals);
    // A turn takes 10 ms while a player is alive.
    let turn = game.game.state().turn.unwrap();
    assert!(turn > 500, "{turn}");
}

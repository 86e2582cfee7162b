//! Random games that a referee decides.

use std::collections::BTreeSet;

use tribune_protocol::{Action, Direction, Line, PlayerAction};

use super::*;
use crate::rules::Referee;

/// What happens in such a game, besides time that passes.
#[derive(Clone, Debug)]
enum Step {
    Act(u64, &'static str, &'static str),
    Leave(u64),
    /// The referee prints these lines.
    Print(Vec<&'static str>),
    Stop,
    /// The referee exits.
    Exit,
}

fn any_step() -> impl Strategy<Value = Step> {
    let action = prop::sample::select(vec!["rock", "paper", "N", "W"]);
    let name = prop::sample::select(vec!["ann", "bob", "eve"]);
    let line = prop::sample::select(vec![
        "draw 0 0 a 1",
        "draw 0 0 .",
        "draw 1 0 b 2",
        "score 1 4",
        "score 2 -3",
        "out 1 fell",
        "out 2",
        "note hello",
        "result",
        "result 2 1",
        "result 1=2",
    ]);
    prop_oneof![
        40 => (1u64..4, action, name).prop_map(|(from, action, name)| Step::Act(from, action, name)),
        5 => (1u64..4).prop_map(Step::Leave),
        30 => prop::collection::vec(line, 0..4).prop_map(|mut lines| {
            lines.push("go");
            Step::Print(lines)
        }),
        1 => Just(Step::Print(vec!["result", "end enough", "go"])),
        1 => Just(Step::Print(vec!["end enough"])),
        1 => Just(Step::Stop),
        1 => Just(Step::Exit),
    ]
}

fn input(step: Step) -> Input {
    match step {
        Step::Act(from, action, name) => {
            let action = match Direction::from_word(action) {
                Some(direction) => Action::Move(direction),
                None => Action::Other(action.try_into().unwrap()),
            };
            let action = PlayerAction { action, name: name.parse().unwrap() };
            Input::Actions { from: tcp(from), actions: vec![action] }
        }
        Step::Leave(from) => Input::Disconnected { from: tcp(from), reason: "gone".into() },
        Step::Print(lines) => {
            let line = |text: &&str| Line::Whole(text.as_bytes().to_vec().into());
            Input::RefereePrinted(lines.iter().map(line).collect())
        }
        Step::Stop => Input::Stop { reason: "SIGINT".into() },
        Step::Exit => Input::Exited { program: REFEREE, exit: SUCCESS },
    }
}

fn refereed(turns: TurnConfig, ends: GameEnds, respawn: Option<Duration>) -> Game {
    let board = BoardSize { width: 8, height: 4 };
    let mut referee = Referee::new(board, "ref.py".into());
    referee.begin(7);
    for text in ["actions rock|paper|[NSEW]", "go"] {
        let line = Line::Whole(text.as_bytes().to_vec().into());
        if let Some(outcome) = referee.receive(&line).unwrap() {
            referee.keep_first(outcome);
        }
    }
    let config = GameConfig { turns, ends, respawn, board, stay: true, ..config("") };
    let words = vec!["ref.py".to_owned()];
    let program = Arc::new(crate::schedule::Program::external(words.clone()));
    Game::with_referee(config, referee, program, words)
}

/// Checks that events are in an order that clients can rely on.
#[derive(Debug, Default)]
struct Order {
    open_round: Option<u64>,
    last_round: u64,
    was_stopped: bool,
    has_failed: bool,
    players: usize,
}

impl Order {
    fn check(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Round { round, .. } => {
                assert!(self.players == 0 || self.open_round.is_none(), "a result is missing");
                assert_eq!(*round, self.last_round + 1);
                (self.open_round, self.last_round) = (Some(*round), *round);
                assert!(!self.was_stopped, "no round begins when the game ends");
            }
            EventKind::Result { round, ranking } => {
                assert_eq!(self.open_round.take(), Some(*round), "one result of each round");
                let ranks: Vec<u64> = ranking.iter().map(|place| place.rank).collect();
                assert!(ranks.is_sorted() && ranks[0] == 1, "{ranks:?}");
            }
            EventKind::Turn(_)
            | EventKind::Joined { .. }
            | EventKind::Move { .. }
            | EventKind::Action { .. } => {
                self.players += usize::from(matches!(kind, EventKind::Joined { .. }));
                assert!(self.open_round.is_some(), "{kind:?} belongs to a round");
            }
            EventKind::Left { .. } => self.players -= 1,
            EventKind::Bye { .. } => {
                assert!(self.has_failed || self.players == 0 || self.open_round.is_none());
            }
            _ => {}
        }
    }
}

/// What the referee has read.
#[derive(Debug, Default)]
struct Read {
    players: BTreeSet<String>,
    acted: BTreeSet<String>,
    before: Option<BTreeSet<String>>,
}

impl Read {
    fn check(&mut self, line: &str, lockstep: bool) {
        let words: Vec<&str> = line.split(' ').collect();
        match *words {
            ["game", ..] => self.before = Some(std::mem::take(&mut self.players)),
            ["join", id, _] => assert!(self.players.insert(id.to_owned()), "{line}: twice"),
            ["leave", id] => assert!(self.players.remove(id), "{line}: not in the game"),
            ["act", id, _] => {
                assert!(self.players.contains(id), "{line}: not in the game");
                let is_first = self.acted.insert(id.to_owned());
                assert!(is_first || !lockstep, "{line}: twice in a turn");
            }
            ["turn", _] => self.acted.clear(),
            _ => panic!("{line}"),
        }
    }
}

proptest! {
    #[test]
    fn random_games_of_referees_make_sense(
        steps in prop::collection::vec((any_step(), 0u64..150), 0..80),
        lockstep in any::<bool>(),
        can_return in any::<bool>(),
        min_players in 0usize..3,
        rounds in prop::option::of(1u64..4),
        turns in prop::option::of(1u64..8),
        duration in prop::option::of(1u64..4000),
    ) {
        let ends = GameEnds { rounds, turns, duration: duration.map(at) };
        let config = TurnConfig { period: at(100), lockstep, min_players, referee_timeout: at(300) };
        let mut game = refereed(config, ends, can_return.then(|| at(200)));
        let mut state = game.state();
        let (mut order, mut read) = (Order::default(), Read::default());
        let mut now = 0;
        game.advance(at(0));
        for (step, pause) in steps {
            now += pause;
            game.advance(at(now));
            game.apply(input(step), at(now));
            for line in game.take_referee_input().lines() {
                read.check(line, lockstep);
            }
            order.has_failed = game.failure.is_some();
            let was_stopping = game.is_stopping();
            for event in take(&mut game).0 {
                order.check(&event.kind);
                if let EventKind::Action { player, .. } | EventKind::Move { player, .. } = event.kind {
                    let alive = state.player(player).unwrap().alive;
                    prop_assert!(can_return || alive == Some(true), "it is out until the next round");
                }
                if !matches!(event.kind, EventKind::Bye { .. }) {
                    prop_assert_eq!(state.apply(&event), Ok(()));
                }
            }
            order.was_stopped = was_stopping;
            state.ms = game.state().ms;
            prop_assert_eq!(&state, &game.state());
        }
    }
}

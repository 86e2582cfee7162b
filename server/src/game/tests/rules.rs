//! What the game asks of its rules.

use super::*;

/// Rules that show whether the game calls them: the game has one line of cells, a player enters at
/// the number of players, and each action moves it by the number of turns so far.
#[derive(Debug, Default)]
struct Counting {
    players: u16,
    turns: u16,
}

impl Rules for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn has_turns(&self) -> bool {
        true
    }

    fn begin_round(&mut self, _: u64) {}

    fn board(&self) -> BoardSize {
        BoardSize { width: 1000, height: 1 }
    }

    fn enter(&mut self, _: PlayerId, _: Origin, _: &Name) -> Cell {
        self.players += 1;
        Cell { x: self.players, y: 0 }
    }

    fn act(&mut self, _: PlayerId, cell: Cell, _: &Action) -> Result<Cell, String> {
        Ok(Cell { x: cell.x + self.turns, ..cell })
    }

    fn leave(&mut self, _: PlayerId) {
        self.players -= 1;
    }

    fn turn(&mut self, _: u64) -> Option<TurnOutcome> {
        self.turns += 1;
        Some(TurnOutcome::default())
    }
}

#[test]
fn rules_decide_where_players_enter_and_what_actions_and_turns_do() {
    let config = GameConfig { stay: true, ..config("") };
    let mut game = Game::with_rules(config, Box::new(Counting::default()));
    assert_eq!(game.state().board, BoardSize { width: 1000, height: 1 });
    let mut cells = Vec::new();
    game.advance(at(0));
    game.apply(moves(1, &["N ann", "N ann", "N bob"]), at(0));
    game.advance(at(3000));
    game.apply(Input::Disconnected { from: tcp(1), reason: "gone".into() }, at(3000));
    game.apply(moves(2, &["S eve", "W eve"]), at(3000));
    for kind in emitted(&mut game) {
        match kind {
            EventKind::Joined { name, x, .. } => cells.push((name.to_string(), x)),
            EventKind::Move { x, .. } => cells.push(("to".into(), x)),
            _ => {}
        }
    }
    let want =
        [("ann", 1), ("to", 2), ("to", 3), ("bob", 2), ("to", 3), ("eve", 1), ("to", 3), ("to", 5)];
    assert_eq!(cells, want.map(|(name, x)| (name.to_owned(), x)));
}

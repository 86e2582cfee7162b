use std::collections::BTreeMap;

use tribune_protocol::{Action, BoardSize, Direction, Name, PlayerId};

use super::super::{board::Content, body::Body, player::Player, *};

/// The players of a scene, by the letter of their snakes. Their ids are 1, 2, 3 …
const NAMES: [&str; 4] = ["ann", "bob", "cid", "dan"];

/// A board that is drawn as text: `.` is an empty cell, a digit is food, and the snake of ann is `A`, its
/// head, and `a`, the rest of its cells. No food is added.
pub struct Scene {
    pub snake: Snake,
    turn: u64,
}

impl Scene {
    pub fn new(rows: &[&str]) -> Self {
        let side = |length: usize| u16::try_from(length).unwrap();
        let size = BoardSize { width: side(rows[0].len()), height: side(rows.len()) };
        let mut cells = BTreeMap::new();
        for (y, row) in (0..).zip(rows) {
            for (x, char) in (0..).zip(row.chars()) {
                cells.insert((x, y), char);
            }
        }
        let mut snake = Snake::new(size, 7);
        for (&(x, y), value) in cells.iter().filter_map(|(at, char)| Some((at, char.to_digit(10)?)))
        {
            snake.board.set(Cell { x, y }, Content::Food(value.try_into().unwrap()));
        }
        for (id, name) in (1..).zip(NAMES) {
            place(&mut snake, PlayerId(id), name, &cells);
        }
        Self { snake, turn: 0 }
    }

    /// Plays a turn without new food, after actions such as `ann N, bob S`. Returns the scores that changed
    /// and who is out.
    pub fn turn(&mut self, actions: &str) -> [String; 2] {
        for action in actions.split(", ").filter(|action| !action.is_empty()) {
            let (name, direction) = action.split_once(' ').unwrap();
            let at = NAMES.iter().position(|known| *known == name).unwrap();
            let action = Action::Move(Direction::from_word(direction).unwrap());
            let id = PlayerId(u64::try_from(at + 1).unwrap());
            // A reversal is refused; the scene shows the rest.
            let _ = self.snake.act(id, Cell { x: 0, y: 0 }, &action);
        }
        self.turn += 1;
        let TurnOutcome { scores, out, .. } = self.snake.step(self.turn);
        let name = |id: PlayerId| self.snake.players[&id].name.clone();
        let scores: Vec<String> =
            scores.iter().map(|&(id, score)| format!("{} {score}", name(id))).collect();
        let out: Vec<String> =
            out.iter().map(|(id, reason)| format!("{} {reason}", name(*id))).collect();
        [scores.join(", "), out.join(", ")]
    }

    pub fn draw(&self) -> Vec<String> {
        let BoardSize { width, height } = self.snake.board.size();
        let char = |cell| match self.snake.board.get(cell) {
            Content::Empty => '.',
            Content::Food(value) => char::from(b'0' + value),
            Content::Snake(id) => {
                let player = &self.snake.players[&id];
                let glyph = player.glyph.char();
                if player.cell() == Some(cell) { glyph.to_ascii_uppercase() } else { glyph }
            }
        };
        (0..height).map(|y| (0..width).map(|x| char(Cell { x, y })).collect()).collect()
    }
}

/// Puts the snake of `name` on the board, if it is in the drawing: from its head along its cells, each of
/// which has one further neighbour.
fn place(snake: &mut Snake, id: PlayerId, name: &str, cells: &BTreeMap<(u16, u16), char>) {
    let letter = name.chars().next().unwrap();
    let head = cells.iter().find(|(_, char)| **char == letter.to_ascii_uppercase());
    let Some((&head, _)) = head else { return };
    let mut path = vec![head];
    let last = |path: &[(u16, u16)]| *path.last().unwrap();
    while let Some(next) = Direction::ALL
        .map(|way| snake.board.size().neighbour(last(&path), way))
        .into_iter()
        .find(|next| cells[next] == letter && !path.contains(next))
    {
        path.push(next);
    }
    let name: Name = name.parse().unwrap();
    let mut player = Player::new(name, &snake.board, 7);
    let path: Vec<Cell> = path.into_iter().map(|(x, y)| Cell { x, y }).collect();
    for &cell in &path {
        snake.board.set(cell, Content::Snake(id));
    }
    if let [head, neck, ..] = path[..] {
        let way = Direction::ALL.into_iter().find(|&way| snake.board.neighbour(neck, way) == head);
        let way = way.unwrap();
        player.steering.push(way).unwrap();
        player.steering.step(|| way);
    }
    player.life = Life::Alive(Body::from_cells(path));
    snake.players.insert(id, player);
}

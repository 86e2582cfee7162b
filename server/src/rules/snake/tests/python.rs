use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use proptest::{prelude::*, test_runner::TestRunner};
use tribune_protocol::{CellContent, Glyph, PlayerId};

use super::{
    super::TurnOutcome,
    properties::{Played, RandomGame, Step, random_game},
};

/// `games/snake.py`, which plays by the lines of a referee.
struct Referee {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// How many scores and deaths it has printed.
    changes: [usize; 2],
}

impl Referee {
    fn start() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../games/snake.py");
        let mut command = Command::new("python3");
        command.arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3 is installed");
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { input: process.stdin.take(), output, process, changes: [0; 2] }
    }

    fn send(&mut self, lines: &str) {
        self.input.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    }

    /// Everything that it answers to a turn.
    fn outcome(&mut self) -> TurnOutcome {
        let mut outcome = TurnOutcome::default();
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it has ended");
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| words[at].parse::<u64>().unwrap();
            let side = |at: usize| words[at].parse::<u16>().unwrap();
            match words[0] {
                "draw" => outcome.cells.push(CellContent {
                    x: side(1),
                    y: side(2),
                    glyph: Some(words[3]).filter(|&text| text != ".").map(glyph),
                    player: PlayerId(number(4)),
                }),
                "score" => {
                    outcome.scores.push((PlayerId(number(1)), words[2].parse().unwrap()));
                }
                "out" => outcome.out.push((PlayerId(number(1)), words[2..].join(" "))),
                "name" => assert_eq!(words[1], "snake"),
                "go" => break,
                other => panic!("unexpected {other}"),
            }
        }
        self.changes[0] += outcome.scores.len();
        self.changes[1] += outcome.out.len();
        outcome
    }
}

impl Drop for Referee {
    fn drop(&mut self) {
        // It ends with its input.
        self.input.take();
        let _ = self.process.wait();
    }
}

fn glyph(text: &str) -> Glyph {
    Glyph::try_from(text).unwrap()
}

/// The lines to the referee about the step that `played` is about to take.
fn lines_for(played: &Played, (player, step): (usize, Step)) -> String {
    let id = played.id(player);
    match step {
        Step::Leave => id.map_or(String::new(), |id| format!("leave {id}\n")),
        Step::Go(direction) => {
            let next = played.next_id();
            let name = Played::name(player);
            let joins = if id.is_none() { format!("join {next} {name}\n") } else { String::new() };
            format!("{joins}act {} {direction}\n", id.unwrap_or(next))
        }
    }
}

fn play_both(game: &RandomGame, referee: &mut Referee) -> Result<(), TestCaseError> {
    let mut played = Played::new(game);
    let RandomGame { board, seed, turns } = game;
    referee.send(&format!("game {seed} {} {}\n", board.width, board.height));
    for (steps, number) in turns.iter().zip(1..) {
        for &step in steps {
            referee.send(&lines_for(&played, step));
            played.take(step);
        }
        referee.send(&format!("turn {number}\n"));
        prop_assert_eq!(referee.outcome(), played.turn(&Vec::new()), "turn {}", number);
    }
    Ok(())
}

#[test]
fn the_referee_in_python_plays_the_same_turns() {
    let referee = RefCell::new(Referee::start());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    let result = runner.run(&random_game(), |game| play_both(&game, &mut referee.borrow_mut()));
    result.unwrap();
    let changes = referee.borrow().changes;
    assert!(changes.into_iter().all(|count| count > 300), "{changes:?} scores and deaths");
}

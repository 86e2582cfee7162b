//! How many turns per second a game plays in lockstep, with bots that act as soon as a turn is over.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{
    metric::{Metric, Sample, real},
    running_server::RunningServer,
    target::Target,
};

/// How many bots play.
const BOTS: usize = 4;

/// How long the game runs before it is measured, until all bots play.
const WARM_UP: Duration = Duration::from_secs(2);

/// Much longer than a turn takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A game, and an action that its players can always take.
#[derive(Clone, Debug)]
pub struct Game {
    /// What `--game` of the server is.
    pub game: String,
    /// What each bot does in each turn.
    pub action: String,
}

impl Game {
    /// The games that are measured by default: built-in rules and a referee.
    pub fn defaults() -> [Self; 2] {
        let game = |game: &str, action: &str| Self { game: game.into(), action: action.into() };
        [game("snake", "E"), game("python3 games/rps.py", "rock")]
    }
}

/// Starts `target` with `game` and four bots, and counts its turns for so many seconds. Nothing is
/// restricted to one processor, as server, bots and a referee are processes of their own.
///
/// # Errors
/// If the game does not run.
pub fn measure(target: &Target, game: &Game, seconds: u32) -> anyhow::Result<Sample> {
    let server = RunningServer::start_game(target, &server_args(game)?)?;
    let mut turns = Turns::join(server.subscribe)?;
    turns.until(Instant::now() + WARM_UP)?;
    let (start, first) = (Instant::now(), turns.last);
    turns.until(start + Duration::from_secs(seconds.into()))?;
    let per_second = real(turns.last - first) / start.elapsed().as_secs_f64();
    Ok(vec![(Metric::Turns, per_second)])
}

fn server_args(game: &Game) -> anyhow::Result<Vec<String>> {
    let program = env::current_exe()?;
    let program = program.to_str().context("the path of this program is not UTF-8")?;
    let mut args: Vec<String> = [
        "--lockstep",
        "--turn",
        "10s",
        "--output-rate",
        "0",
        "--output-bytes",
        "0",
        "--board",
        "64x64",
    ]
    .map(str::to_owned)
    .into();
    args.extend(["--game".to_owned(), game.game.clone()]);
    args.extend(["--players".to_owned(), BOTS.to_string()]);
    for name in ('a'..).take(BOTS) {
        args.extend(["--bot".to_owned(), format!("'{program}' bot '{}' {name}", game.action)]);
    }
    Ok(args)
}

/// A spectator that looks only at the numbers of turns.
struct Turns {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
    /// The turn that was played last.
    last: u64,
}

impl Turns {
    fn join(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self { stream: BufReader::with_capacity(256 << 10, stream), line: Vec::new(), last: 0 })
    }

    /// Reads the stream up to the first turn after `end`.
    fn until(&mut self, end: Instant) -> anyhow::Result<()> {
        loop {
            self.line.clear();
            let length = self.stream.read_until(b'\n', &mut self.line)?;
            ensure!(length > 0, "the game has ended");
            if let Some(turn) = turn_number(&self.line) {
                self.last = turn;
                if Instant::now() >= end {
                    return Ok(());
                }
            }
        }
    }
}

/// The number of the turn, if `line` is the event of one.
fn turn_number(line: &[u8]) -> Option<u64> {
    const BEFORE: &[u8] = br#""type":"turn","turn":"#;
    let start = memchr::memmem::find(line, BEFORE)? + BEFORE.len();
    let digits = line[start..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// Plays as `name`: takes `action` at the beginning and after each turn, until its input ends.
///
/// # Errors
/// If its input cannot be read or its output cannot be written.
pub fn play(action: &str, name: &str) -> anyhow::Result<()> {
    let (mut input, mut output) = (BufReader::new(std::io::stdin()), std::io::stdout());
    let (mut line, answer) = (Vec::new(), format!("{action} {name}\n"));
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.starts_with(br#"{"type":"state""#) || turn_number(&line).is_some() {
            output.write_all(answer.as_bytes())?;
            output.flush()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_told_from_other_lines() {
        let line = br#"{"seq":5,"ms":10,"type":"turn","turn":1234,"scores":[[1,2]]}"#;
        assert_eq!(turn_number(line), Some(1234));
        assert_eq!(turn_number(br#"{"type":"state","seq":5,"turn":1234}"#), None);
    }
}

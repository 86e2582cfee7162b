//! How many turns per second a game plays in lockstep, with bots that act as soon as a turn is over.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tribune_protocol::{ControlMessage, ServerLine};

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
    wait(WARM_UP);
    let (start, first) = (Instant::now(), last_turn(server.subscribe)?);
    wait(Duration::from_secs(seconds.into()));
    let turns = last_turn(server.subscribe)?.saturating_sub(first);
    let per_second = real(turns) / start.elapsed().as_secs_f64();
    Ok(vec![(Metric::Turns, per_second)])
}

#[expect(clippy::disallowed_methods, reason = "this is how long it is measured")]
fn wait(time: Duration) {
    sleep(time);
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

/// The turn that was played last, as a client gets it that joins now and leaves again: a spectator that stays
/// would take a part of what is measured.
fn last_turn(server: SocketAddr) -> anyhow::Result<u64> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    for line in BufReader::new(stream).lines() {
        if let ServerLine::Control(ControlMessage::State(state)) =
            ServerLine::parse(line?.as_bytes())?
        {
            return state.turn.context("the game has no turns");
        }
    }
    bail!("the game has ended")
}

/// Whether `line` is the event of a turn.
fn is_turn(line: &[u8]) -> bool {
    memchr::memmem::find(line, br#""type":"turn""#).is_some()
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
        if line.starts_with(br#"{"type":"state""#) || is_turn(&line) {
            output.write_all(answer.as_bytes())?;
            output.flush()?;
        }
    }
}

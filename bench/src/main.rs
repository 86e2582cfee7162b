//! `bench` measures what it costs to broadcast an event, and prints tables.

use std::{
    fs,
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    process::ExitCode,
};

use anyhow::{Context, anyhow, ensure};
use tribune_bench::{
    alone,
    args::{Args, Mode},
    baseline, broadcast, catch_up, join, load,
    metric::Sample,
    plot,
    pure::{PARTS, Pure},
    reconnect,
    results::Results,
    rounds,
    server_process::ServerProcess,
    silent,
    system::System,
    table,
    target::Target,
    task_per_client, turns,
};
use tribune_cli::{failure, parse_args, raise_descriptor_limit};

/// How many connections may wait to be accepted: many clients connect at once.
const BACKLOG: i32 = 4096;

fn main() -> ExitCode {
    let args = match parse_args::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    // If the limit is too low, connecting fails, and says so.
    let _ = raise_descriptor_limit();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(format_args!("{error:#}")),
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let game_only = &[System::Tribune];
    match &args.mode {
        None => broadcast_all(args),
        &Some(Mode::Alone { clients }) => {
            let title = format!("{clients} idle clients; one publisher");
            compare(args, game_only, title, |target| alone::measure(target, clients))
        }
        &Some(Mode::Join { clients }) => {
            let title = format!("{clients} clients join");
            let systems = &[System::Baseline, System::Tribune];
            compare(args, systems, title, |target| join::measure(target, clients))
        }
        &Some(Mode::Reconnect { clients }) => {
            let title = format!("{clients} clients reconnect");
            compare(args, game_only, title, |target| reconnect::measure(target, clients))
        }
        &Some(Mode::Silent { clients }) => {
            let title = format!("{clients} clients join a game of 10,000 players and never read");
            compare(args, game_only, title, |target| silent::measure(target, clients))
        }
        &Some(Mode::CatchUp { address }) => {
            let title = "One client gets past events".to_owned();
            compare(args, game_only, title, |target| {
                address.map_or_else(|| catch_up::measure(target), catch_up::measure_at)
            })
        }
        Some(Mode::Turns { game, action }) => {
            let named = game.clone().zip(action.clone());
            let games = match named {
                Some((game, action)) => vec![turns::Game { game, action }],
                None => turns::Game::defaults().into(),
            };
            for played in games {
                let title = format!("{} in lockstep with 4 bots", played.game);
                let seconds = args.seconds.get();
                compare(args, game_only, title, |target| turns::measure(target, &played, seconds))?;
            }
            Ok(())
        }
        Some(Mode::Bot { action, name }) => turns::play(action, name),
        Some(Mode::Baseline) => {
            let (subscribers, publishers) = listen()?;
            Ok(baseline::serve(&subscribers, &publishers)?)
        }
        Some(Mode::TaskPerClient) => {
            let (subscribers, publishers) = listen()?;
            task_per_client::serve(subscribers, publishers)
        }
        Some(Mode::Count { part, times }) => count(part, *times),
        Some(Mode::Load { system, subscribe, publish, process, work }) => {
            let (work, server) = (serde_json::from_str(work)?, ServerProcess::new(*process));
            let outcome = load::run(*system, *subscribe, *publish, work, server)?;
            Ok(serde_json::to_writer(io::stdout(), &outcome)?)
        }
    }
}

/// Measures all systems with all kinds of work, and prints a table for each.
fn broadcast_all(args: &Args) -> anyhow::Result<()> {
    let targets = args.comparison.targets(args.systems())?;
    let reference = args.comparison.reference(&targets)?;
    writeln!(io::stdout(), "{}\n", broadcast::machine())?;
    let mut all = Vec::new();
    for work in args.work() {
        let results = broadcast::measure_all(work, &targets, args.rounds(), reference);
        writeln!(io::stdout(), "{}", table::markdown(&results))?;
        all.push(results);
    }
    if let Some(path) = &args.plot {
        let svg = plot::svg(&all).context("cannot draw the plot")?;
        fs::write(path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Measures `systems` and the game servers that were named besides, and prints a table.
fn compare(
    args: &Args,
    systems: &[System],
    title: String,
    measure: impl FnMut(&Target) -> anyhow::Result<Sample>,
) -> anyhow::Result<()> {
    let targets = args.comparison.targets(systems)?;
    let reference = args.comparison.reference(&targets)?;
    let all = rounds::run(&targets, args.rounds(), measure);
    let results = Results::new(title, &all, reference);
    if !results.rows.is_empty() {
        writeln!(io::stdout(), "{}", table::markdown(&results))?;
    }
    ensure!(all.iter().all(|measured| !measured.has_failed), "a measurement failed, see above");
    Ok(())
}

fn count(part: &str, times: u64) -> anyhow::Result<()> {
    let found = PARTS.into_iter().find(|(name, _)| *name == part);
    let (_, part) = found.ok_or_else(|| anyhow!("unknown part {part:?}"))?;
    let mut pure = Pure::default();
    (0..times).for_each(|_| part(&mut pure));
    Ok(())
}

/// Listens for subscribers and for the publisher, and prints both addresses.
fn listen() -> io::Result<(TcpListener, TcpListener)> {
    let (subscribers, publishers) = (bind()?, bind()?);
    writeln!(io::stdout(), "{} {}", subscribers.local_addr()?, publishers.local_addr()?)?;
    Ok((subscribers, publishers))
}

fn bind() -> io::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    // The standard library's backlog is 128.
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

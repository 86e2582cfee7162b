//! `bench` measures the project's server against its peers and the floor, and prints a table.

use std::{
    io::{self, Write},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Parser, Subcommand};
use tribune_bench::{
    alone, catch_up, floor,
    host::Running,
    join,
    load::{self, Work},
    process::Observed,
    pure::{PARTS, Pure},
    reconnect, report, silent,
    system::System,
    task_per_client,
};
use tribune_cli::{failure, parse_args, raise_descriptor_limit};

/// Measures what it costs to bring an event to everyone: this project's server, its peers as far as
/// they are installed, and the floor, with the same load
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,

    /// Only this work: clients x events per second, as in 1000x100, or 1000xmax
    #[arg(long, value_name = "WORK", value_parser = parse_work)]
    work: Vec<Work>,

    /// Only these systems
    #[arg(long, value_name = "SYSTEM", value_parser = parse_system)]
    only: Vec<System>,

    /// How long events are published
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u32,

    /// How often everything is done; the median counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,

    /// Write a plot
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Be the floor
    #[command(hide = true)]
    Floor,
    /// Be the server that has a task for each client
    #[command(hide = true)]
    TaskPerClient,
    /// Let so many clients of a game server be cut off at once, and see how they come back
    Reconnect {
        /// How many
        #[arg(default_value_t = 10_000)]
        clients: usize,
    },
    /// Measure the game server alone: the memory of idle clients, and how fast moves go in
    Alone {
        /// How many idle clients
        #[arg(default_value_t = 19_000)]
        clients: usize,
    },
    /// Let so many clients join, the game server and the floor, and see what one costs
    Join {
        /// How many
        #[arg(default_value_t = 10_000)]
        clients: usize,
    },
    /// Let so many clients join a game of 10,000 players and never read, and see what is held for them
    Silent {
        /// How many
        #[arg(default_value_t = 1500)]
        clients: usize,
    },
    /// Get the past of a game, as fast as it comes
    CatchUp {
        /// The game's server; without it, one is started
        server: Option<SocketAddr>,
    },
    /// Do one of the pure parts so many times, to have its instructions counted
    #[command(hide = true)]
    Count { part: String, times: u64 },
    /// Be the load
    #[command(hide = true)]
    Load {
        #[arg(long, value_parser = parse_system)]
        system: System,
        #[arg(long)]
        subscribe: SocketAddr,
        #[arg(long)]
        publish: SocketAddr,
        #[arg(long)]
        server: u32,
        #[arg(long)]
        work: String,
    },
}

fn main() -> ExitCode {
    let args = match parse_args::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    // What cannot be raised shows when it runs out.
    let _ = raise_descriptor_limit();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(format_args!("{error:#}")),
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    match args.part {
        Some(Part::Floor) => Ok(listen(|subscribe, publish| floor::serve(&subscribe, &publish))??),
        Some(Part::TaskPerClient) => listen(task_per_client::serve)?,
        Some(Part::Load { system, subscribe, publish, server, work }) => {
            let work = serde_json::from_str(&work)?;
            let outcome = load::run(system, subscribe, publish, work, Observed::new(server))?;
            Ok(serde_json::to_writer(io::stdout(), &outcome)?)
        }
        Some(Part::Count { part, times }) => {
            let found = PARTS.into_iter().find(|(name, _)| *name == part);
            let (_, part) = found.ok_or_else(|| anyhow::anyhow!("there is no part {part}"))?;
            let mut pure = Pure::default();
            (0..times).for_each(|_| part(&mut pure));
            Ok(())
        }
        Some(Part::Alone { clients }) => alone(clients),
        Some(Part::Join { clients }) => joins(clients),
        Some(Part::Silent { clients }) => {
            let running = start_game(&["--tick", "1s"])?;
            let memory = silent::run(running.subscribe, running.observed(), 625, clients, 50)?;
            let [players, most, after] =
                [memory.players, memory.most, memory.after].map(|bytes| bytes >> 20);
            Ok(writeln!(
                io::stdout(),
                "10,000 players: {players} MiB; {clients} that join at 50/s and never read: {most} MiB at most, {after} MiB when all have gone"
            )?)
        }
        Some(Part::CatchUp { server }) => {
            let started =
                if server.is_none() { Some(start_game(&["--tick", "24h"])?) } else { None };
            let address = server.or(started.as_ref().map(|running| running.subscribe));
            let caught_up = catch_up::run(address.context("there is no server")?)?;
            let megabytes = caught_up.bytes / 1_000_000;
            let seconds = caught_up.took.as_secs_f64();
            Ok(writeln!(io::stdout(), "{megabytes} MB in {seconds:.3} s")?)
        }
        Some(Part::Reconnect { clients }) => {
            let running = start_game(&["--tick", "100ms"])?;
            let comeback = reconnect::run(running.subscribe, clients)?;
            let seconds = comeback.took.as_secs_f64();
            let most = comeback.most_snapshots;
            Ok(writeln!(
                io::stdout(),
                "{clients} clients back after {seconds:.2} s, none with a gap, at most {most} snapshot each"
            )?)
        }
        None => {
            let work = if args.work.is_empty() { report::WORK.to_vec() } else { args.work };
            let work =
                work.into_iter().map(|work| Work { seconds: args.seconds, ..work }).collect();
            let only = if args.only.is_empty() { System::ALL.to_vec() } else { args.only };
            report::run(work, &only, args.runs, args.plot.as_deref())
        }
    }
}

fn alone(clients: usize) -> anyhow::Result<()> {
    let start = || start_game(&["--tick", "24h"]);
    let running = start()?;
    let bytes = alone::memory_of_idle(running.subscribe, running.observed(), clients)?;
    writeln!(io::stdout(), "{clients} idle clients: {bytes} bytes of memory each")?;
    drop(running);
    let rate = alone::moves_per_second(start()?.subscribe, 3_000_000)?;
    Ok(writeln!(io::stdout(), "one publisher, nobody watching: {rate:.0} moves/s")?)
}

fn start_game(args: &[&str]) -> anyhow::Result<Running> {
    Running::start_game(args).map_err(|error| anyhow::anyhow!("{error:?}"))
}

fn joins(clients: usize) -> anyhow::Result<()> {
    let floor = Running::start(System::Floor).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let game = start_game(&["--tick", "24h"])?;
    for (name, running, lines) in [("floor", floor, 0), ("tribune", game, 2)] {
        let joins = join::run(running.subscribe, running.observed(), clients, lines)?;
        let micros = joins.processor_time.as_secs_f64() * 1e6;
        let seconds = joins.took.as_secs_f64();
        writeln!(
            io::stdout(),
            "{name}: {clients} joins, {micros:.1} µs of processor time each, {seconds:.2} s"
        )?;
    }
    Ok(())
}

/// Listens for subscribers and for the publisher, says where, and serves.
fn listen<T>(serve: impl FnOnce(TcpListener, TcpListener) -> T) -> io::Result<T> {
    let subscribe = TcpListener::bind("127.0.0.1:0")?;
    let publish = TcpListener::bind("127.0.0.1:0")?;
    // More than may wait for the standard library's 128.
    rustix::net::listen(&subscribe, 4096)?;
    writeln!(io::stdout(), "{} {}", subscribe.local_addr()?, publish.local_addr()?)?;
    Ok(serve(subscribe, publish))
}

fn parse_system(text: &str) -> Result<System, String> {
    let found = System::ALL.into_iter().find(|system| system.name() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = System::ALL.iter().map(|system| system.name()).collect();
        format!("there are {}", names.join(", "))
    })
}

fn parse_work(text: &str) -> Result<Work, String> {
    let unclear = || "it is clients x events per second, as in 1000x100 or 1000xmax".to_owned();
    let (subscribers, rate) = text.split_once('x').ok_or_else(unclear)?;
    let (subscribers, frozen) = subscribers.split_once('+').unwrap_or((subscribers, "0"));
    Ok(Work {
        subscribers: subscribers.parse().map_err(|_| unclear())?,
        frozen: frozen.parse().map_err(|_| unclear())?,
        rate: if rate == "max" { None } else { Some(rate.parse().map_err(|_| unclear())?) },
        seconds: 0,
        counts_calls: false,
    })
}

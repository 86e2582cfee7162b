//! The command line of `bench`.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf};

use clap::{Parser, Subcommand};

use crate::{
    system::System,
    target::{NamedServer, Target},
    work::Work,
};

/// How many rounds the main measurement has by default. Those of subcommands have one.
const ROUNDS: NonZeroU32 = NonZeroU32::new(3).expect("it is not zero");

/// Measures what it costs to broadcast an event: Tribune's game server, other systems as far as they
/// are installed, and a baseline, all with the same load
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub struct Args {
    /// What is measured; without it, broadcasting
    #[command(subcommand)]
    pub mode: Option<Mode>,

    /// Measure only this work, as clients x events per second: 1000x100, 1000xmax, or 500+500x10000
    /// for 500 clients that read and 500 that do not
    #[arg(long, value_name = "WORK")]
    pub work: Vec<Work>,

    /// Measure only this system: baseline, tribune, nats, redis, mosquitto or "task per client"
    #[arg(long, value_name = "SYSTEM")]
    pub only: Vec<System>,

    /// For how long events are published
    #[arg(long, value_name = "N", default_value = "5")]
    pub seconds: NonZeroU32,

    /// Write a plot
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,

    /// What game servers are measured, and how often.
    #[command(flatten)]
    pub comparison: Comparison,
}

/// What game servers are measured, and how often.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of all measurements")]
pub struct Comparison {
    /// How many rounds, of which the median is shown: 3 by default, and 1 with a subcommand
    #[arg(long, value_name = "N", global = true)]
    runs: Option<NonZeroU32>,

    /// The binary of Tribune's game server, or its folder; by default the one beside this program
    #[arg(long, value_name = "PATH", global = true)]
    server: Option<PathBuf>,

    /// Measure another game server in the same rounds, as in tribune-old=/path/to/server
    #[arg(long, value_name = "NAME=PATH", global = true)]
    also: Vec<NamedServer>,

    /// Compare with this system, in the same round; by default with the baseline
    #[arg(long, value_name = "NAME", global = true)]
    reference: Option<String>,
}

/// What `bench` does.
#[derive(Debug, Subcommand)]
pub enum Mode {
    /// Disconnect all clients of a game at once, and measure how long they take to resume
    Reconnect {
        /// How many clients
        #[arg(default_value_t = 10_000)]
        clients: usize,
    },
    /// Measure the memory of idle clients, and how many moves per second a game server takes
    Alone {
        /// How many idle clients
        #[arg(default_value_t = 19_000)]
        clients: usize,
    },
    /// Measure what a client that joins costs, and what it costs the baseline
    Join {
        /// How many clients
        #[arg(default_value_t = 10_000)]
        clients: usize,
    },
    /// Measure the memory for clients that join a game of 10,000 players and never read
    Silent {
        /// How many clients
        #[arg(default_value_t = 1500)]
        clients: usize,
    },
    /// Measure how long one client takes to get the past events of a game
    CatchUp {
        /// The address of a game server that runs; without it, one is started
        #[arg(conflicts_with_all = ["server", "also"])]
        address: Option<SocketAddr>,
    },
    /// Measure how many turns per second a game plays in lockstep with four bots; without one, snake
    /// and a referee in Python, in the folder of the sources
    Turns {
        /// What --game of the server is
        #[arg(requires = "action")]
        game: Option<String>,
        /// What a player does in each turn
        action: Option<String>,
    },
    /// Play in a game in lockstep
    #[command(hide = true)]
    Bot {
        /// What it does in each turn.
        action: String,
        /// Its name.
        name: String,
    },
    /// Serve as the baseline
    #[command(hide = true)]
    Baseline,
    /// Serve with a task per client
    #[command(hide = true)]
    TaskPerClient,
    /// Do one of the pure parts so many times, to count its instructions
    #[command(hide = true)]
    Count {
        /// Which part.
        part: String,
        /// How many times.
        times: u64,
    },
    /// Run the load
    #[command(hide = true)]
    Load {
        /// What it runs against.
        #[arg(long)]
        system: System,
        /// Where subscribers connect.
        #[arg(long)]
        subscribe: SocketAddr,
        /// Where the publisher connects.
        #[arg(long)]
        publish: SocketAddr,
        /// The process of the server.
        #[arg(long)]
        process: u32,
        /// The work, as JSON.
        #[arg(long)]
        work: String,
    },
}

impl Args {
    /// The work of the main measurement.
    pub fn work(&self) -> Vec<Work> {
        let work = if self.work.is_empty() { &Work::DEFAULT[..] } else { &self.work };
        work.iter().map(|&work| Work { seconds: self.seconds.get(), ..work }).collect()
    }

    /// The systems of the main measurement.
    pub fn systems(&self) -> &[System] {
        if self.only.is_empty() { &System::ALL } else { &self.only }
    }

    /// How many rounds.
    pub fn rounds(&self) -> u32 {
        let default = if self.mode.is_none() { ROUNDS } else { NonZeroU32::MIN };
        self.comparison.runs.unwrap_or(default).get()
    }
}

impl Comparison {
    /// `systems` and the game servers that were named besides.
    ///
    /// # Errors
    /// If two have the same name.
    pub fn targets(&self, systems: &[System]) -> anyhow::Result<Vec<Target>> {
        Target::list(systems, self.server.as_deref(), &self.also)
    }

    /// The name of the system that the others of `targets` are compared with, if it is one of them.
    ///
    /// # Errors
    /// If one was named that is none of them.
    pub fn reference<'a>(&self, targets: &'a [Target]) -> anyhow::Result<Option<&'a str>> {
        Target::reference(targets, self.reference.as_deref())
    }
}

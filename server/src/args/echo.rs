//! The command line of the echo service.

use std::time::Duration;

use tribune_cli::{parse_number, parse_time};
use tribune_protocol::DEFAULT_ECHO_ADDRESS;

use super::{ArgsError, resolve};
use crate::echo::{EchoSettings, Manner};

const HOUR: Duration = Duration::from_secs(3600);

const EXAMPLES: &str = "Examples:
  server echo                    each message of at most 100 bytes comes back a second later
  server echo --delay 0s -q      as fast as it goes
  server echo --stream           all that comes, until the client closes
  client echo hello              a client, in another terminal
  client herd --mode echo        many of them

Exit codes: 0 ended by a signal, 1 it could not be run, 2 wrong usage, 130 ended at once by a second Ctrl-C";

/// How messages are to be sent back, as it is typed.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true, after_help = EXAMPLES)]
pub struct EchoArgs {
    /// Where to listen; may be given several times, and port 0 is one that is free
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ECHO_ADDRESS)]
    listen: Vec<String>,

    /// The time from a message to its answer
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_delay)]
    delay: Duration,

    /// Keep each connection, and send back all that comes until the client closes
    #[arg(long)]
    stream: bool,

    /// The most clients at a time; others are closed at once
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = parse_number::<usize>)]
    max_clients: usize,

    /// How long a client may say nothing, or not take its answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_patience)]
    patience: Duration,

    /// Do not tell on standard output who comes and what is said
    #[arg(long, short)]
    pub quiet: bool,
}

impl EchoArgs {
    /// The settings that were asked for. Looks up names of hosts.
    ///
    /// # Errors
    /// Says what cannot be understood or is not there, and what would be right.
    pub fn into_settings(self) -> Result<EchoSettings, ArgsError> {
        Ok(EchoSettings {
            listen: self.listen.iter().map(|address| resolve(address)).collect::<Result<_, _>>()?,
            max_clients: self.max_clients,
            manner: Manner { delay: self.delay, patience: self.patience, stream: self.stream },
        })
    }
}

fn parse_delay(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::ZERO, HOUR)
}

fn parse_patience(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), HOUR)
}

//! The command line of the echo service.

use std::{net::SocketAddr, time::Duration};

use tribune_cli::{parse_number, parse_time};
use tribune_protocol::DEFAULT_ECHO_ADDRESS;

use super::{ArgsError, resolve_all};
use crate::echo::{EchoConfig, EchoSettings};

const HOUR: Duration = Duration::from_secs(3600);

const EXAMPLES: &str = "Examples:
  server echo                    sends back one message of at most 100 bytes after a second
  server echo --delay 0s -q      without delay, and without output
  server echo --stream           sends back everything until the client closes
  client echo hello              a client, in another terminal
  client herd --mode echo        many clients

Exit codes: 0 ended by a signal, 1 failed, 2 usage error, 130 ended at once by a second signal";

/// The arguments of the echo service, as typed.
#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true, after_help = EXAMPLES)]
pub struct EchoArgs {
    /// Address to listen on, repeatable; port 0 picks a free port
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ECHO_ADDRESS)]
    listen: Vec<String>,

    /// Time from a message to its answer
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_delay)]
    delay: Duration,

    /// Keep connections open, and send back everything until the client closes
    #[arg(long)]
    stream: bool,

    /// Maximum number of clients; others are closed at once
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = parse_number::<usize>)]
    max_clients: usize,

    /// How long a client may send nothing, or not read its answer
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_idle_timeout)]
    #[arg(alias = "patience")]
    idle_timeout: Duration,

    /// Do not print connections and messages on standard output
    #[arg(long, short)]
    pub quiet: bool,
}

impl EchoArgs {
    /// The addresses to listen on, and the settings of the service. Resolves host names.
    ///
    /// # Errors
    /// Names the address that is invalid or unavailable, and what is expected.
    pub fn into_settings(self) -> Result<(Vec<SocketAddr>, EchoSettings), ArgsError> {
        let config =
            EchoConfig { delay: self.delay, idle_timeout: self.idle_timeout, stream: self.stream };
        let settings = EchoSettings { max_clients: self.max_clients, config };
        Ok((resolve_all(&self.listen)?, settings))
    }
}

fn parse_delay(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::ZERO, HOUR)
}

fn parse_idle_timeout(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), HOUR)
}

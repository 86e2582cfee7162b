//! The command line of the client.

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tribune_cli::is_host_and_port;
use tribune_protocol::{DEFAULT_ADDRESS, Name};

use crate::{
    game::{GameOptions, play, watch},
    ping::ping,
    view::Format,
};

/// Watches a game, plays in it, or asks whether its server is there
#[derive(Debug, Parser)]
#[command(name = "client", version, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,

    /// The server to talk to
    #[arg(long, short, global = true, value_name = "HOST:PORT", env = "TRIBUNE_SERVER", default_value = DEFAULT_ADDRESS)]
    #[arg(value_parser = parse_server)]
    server: String,
}

const EXAMPLES: &str = "Examples:
  client watch                        the game as it happens, to its end
  client watch --json | jq .type      the lines of the server
  client play --name ann              join in
  echo 'n n e' | client play -n ann   three moves
  client ping --timeout 1s            is there a server?

Exit codes: 0 the game ended, or you left; 1 no server, or it was lost; 2 wrong usage; 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the game as it happens, to its end
    Watch(ShowArgs),
    /// Show the game and move a player: n s e w, and in a terminal h j k l, arrows, q to leave
    Play {
        /// What your player is called
        #[arg(long, short)]
        name: Name,

        #[command(flatten)]
        show: ShowArgs,
    },
    /// Say whether a server answers, by exit code 0 or 1
    Ping {
        /// How long it may take
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
        timeout: Duration,
    },
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Show the lines of the server as they come
    #[arg(long)]
    json: bool,

    /// End when the connection is lost, rather than connect again and go on
    #[arg(long)]
    no_retry: bool,
}

impl Args {
    /// Does what was asked for, and says how that went.
    pub async fn run(self) -> ExitCode {
        let server = self.server;
        match self.command {
            Command::Watch(show) => watch(show.options(server)).await,
            Command::Play { name, show } => play(show.options(server), name).await,
            Command::Ping { timeout } => ping(&server, timeout).await,
        }
    }
}

impl ShowArgs {
    fn options(self, server: String) -> GameOptions {
        let format = if self.json { Format::Json } else { Format::Text };
        GameOptions { server, retry: !self.no_retry, format }
    }
}

fn parse_server(text: &str) -> Result<String, String> {
    if is_host_and_port(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("a server is HOST:PORT, as in {DEFAULT_ADDRESS}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }
}

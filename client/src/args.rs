//! The command line of the client.

use std::{env, io, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};
use tribune_cli::{failure, parse_address, parse_time, usage_error};
use tribune_herd::{HerdArgs, HerdArgsError, Mode, herd};
use tribune_protocol::{
    DEFAULT_ADDRESS, DEFAULT_ECHO_ADDRESS, MAX_ECHO_MESSAGE, Name, text::quote,
};

use crate::{
    echo::{EchoOptions, echo},
    game::{GameOptions, play, play_at_random, watch},
    ping::{Peer, ping},
    view::Format,
};

/// Watches a game, plays in it, or asks whether its server is there
#[derive(Debug, Parser)]
#[command(name = "client", version, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,

    /// The server to talk to [default: what `TRIBUNE_SERVER` says, or 127.0.0.1:7777; to echo:
    /// `TRIBUNE_ECHO_SERVER`, or 127.0.0.1:8080]
    #[arg(long, short, global = true, value_name = "HOST:PORT", value_parser = parse_server)]
    server: Option<String>,
}

const EXAMPLES: &str = "Examples:
  client watch                        the game as it happens, to its end
  client watch --json | jq .type      the lines of the server
  client play --name ann              join in
  echo 'n n e' | client play -n ann   three moves, and leave when they are told
  ./bot | client play -n ann          a program that prints N ann, or moves as on the wire
  client play -n bob --random-walk 1s somebody to play with
  client ping --timeout 1s            is there a server?
  client herd --mode watch -n 1000    a thousand spectators that check what they get
  client echo hello                   does the same come back from `server echo`?

Exit codes: 0 the game ended, or you left; 1 no server, or it was lost; 2 wrong usage; 130 interrupted";

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the game as it happens, to its end
    Watch(ShowArgs),
    /// Show the game and move a player: n s e w, and in a terminal h j k l, arrows, q to leave
    Play(PlayArgs),
    /// Say whether a server answers, by exit code 0 or 1
    Ping {
        /// Ask an echo server rather than a game
        #[arg(long)]
        echo: bool,

        /// How long it may take
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_timeout)]
        timeout: Duration,
    },
    /// Put a server under load with many clients, and check what each of them gets
    Herd(Box<HerdArgs>),
    /// Send something to an echo server, and say by exit code 0 or 1 whether the same comes back
    Echo {
        /// What to send, at most 100 bytes; without it, each line of standard input
        #[arg(value_parser = parse_message)]
        message: Option<String>,

        /// How long an answer may take
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_timeout)]
        timeout: Duration,
    },
}

#[derive(Debug, clap::Args)]
struct PlayArgs {
    /// What your player is called. Lines of standard input can name others, as in N bob
    #[arg(long, short)]
    name: Name,

    /// Move at random, with pauses of at most this long, rather than as standard input says
    #[arg(long, value_name = "TIME", value_parser = parse_pause)]
    random_walk: Option<Duration>,

    /// Go on watching when standard input has ended and all moves are told, rather than leave. In a
    /// terminal it ends with q or Ctrl-D
    #[arg(long, conflicts_with = "random_walk")]
    keep_watching: bool,

    /// Do not show the game
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,

    #[command(flatten)]
    show: ShowArgs,
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
    /// What this is to be run on. Other threads are started only where there is work for them, so
    /// that a server can be asked how it is where there is hardly room for one.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn runtime(&self) -> io::Result<Runtime> {
        let mut builder = match self.command {
            Command::Ping { .. } | Command::Echo { .. } => Builder::new_current_thread(),
            Command::Watch(_) | Command::Play(_) | Command::Herd(_) => Builder::new_multi_thread(),
        };
        builder.enable_all().build()
    }

    /// Does what was asked for, and says how that went.
    pub async fn run(self) -> ExitCode {
        let server = match server_of(self.server, self.command.wants_echo()) {
            Ok(server) => server,
            Err(message) => return usage_error(message),
        };
        match self.command {
            Command::Watch(show) => watch(show.options(server)).await,
            Command::Play(play) => play.run(server).await,
            Command::Ping { echo, timeout } => {
                let peer = if echo { Peer::Echo } else { Peer::Game };
                ping(peer, &server, timeout).await
            }
            Command::Echo { message, timeout } => {
                echo(EchoOptions { server, message, timeout }).await
            }
            Command::Herd(args) => match args.into_options(&server) {
                Ok(options) => herd(options).await,
                Err(HerdArgsError::Usage(message)) => usage_error(message),
                Err(HerdArgsError::Missing(message)) => failure(message),
            },
        }
    }
}

impl Command {
    /// Whether it talks to an echo server, rather than to a game.
    fn wants_echo(&self) -> bool {
        match self {
            Self::Echo { .. } => true,
            Self::Ping { echo, .. } => *echo,
            Self::Herd(herd) => herd.mode == Mode::Echo,
            Self::Watch(_) | Self::Play(_) => false,
        }
    }
}

impl PlayArgs {
    async fn run(self, server: String) -> ExitCode {
        let mut options = self.show.options(server);
        if self.quiet {
            options.format = Format::Nothing;
        }
        match self.random_walk {
            Some(longest_pause) => play_at_random(options, self.name, longest_pause).await,
            None => play(options, self.name, self.keep_watching).await,
        }
    }
}

impl ShowArgs {
    fn options(self, server: String) -> GameOptions {
        let format = if self.json { Format::Json } else { Format::Text };
        GameOptions { server, retry: !self.no_retry, format }
    }
}

/// The server that was named by a flag, or else by the environment, or else the usual one.
fn server_of(flag: Option<String>, wants_echo: bool) -> Result<String, String> {
    let (name, default) = if wants_echo {
        ("TRIBUNE_ECHO_SERVER", DEFAULT_ECHO_ADDRESS)
    } else {
        ("TRIBUNE_SERVER", DEFAULT_ADDRESS)
    };
    let named = env::var_os(name).filter(|server| !server.is_empty());
    match (flag, named) {
        (Some(server), _) => Ok(server),
        // What is not text is not an address.
        (None, Some(server)) => {
            parse_server(server.to_str().unwrap_or_default()).map_err(|error| {
                format!("invalid value {} of {name}: {error}", quote(server.as_encoded_bytes()))
            })
        }
        (None, None) => Ok(default.to_owned()),
    }
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), Duration::from_secs(24 * 3600))
}

fn parse_pause(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), Duration::from_secs(3600))
}

fn parse_message(text: &str) -> Result<String, String> {
    match text.len() {
        1..=MAX_ECHO_MESSAGE => Ok(text.to_owned()),
        length => Err(format!("expected 1 to {MAX_ECHO_MESSAGE} bytes, not {length}")),
    }
}

fn parse_server(text: &str) -> Result<String, String> {
    parse_address(text, DEFAULT_ADDRESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use tokio::runtime::RuntimeFlavor;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_ping_needs_no_thread_of_its_own() {
        let ping = Args::try_parse_from(["client", "ping"]).unwrap();
        let runtime = ping.runtime().unwrap();
        assert_eq!(runtime.handle().runtime_flavor(), RuntimeFlavor::CurrentThread);
    }
}

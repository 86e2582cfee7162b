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
    display::Format,
    echo::{EchoOptions, echo},
    game_client::{GameOptions, PlayOptions, play, play_at_random, watch},
    key_map::{KeyBinding, KeyMap},
    ping::{Peer, ping},
};

/// Watch a game, play in it, or test its server
#[derive(Debug, Parser)]
#[command(name = "client", version, after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,

    /// Address of the server [default: `TRIBUNE_SERVER`, or 127.0.0.1:7777; for echo servers
    /// `TRIBUNE_ECHO_SERVER`, or 127.0.0.1:8080]
    #[arg(long, short, global = true, value_name = "HOST:PORT", value_parser = parse_server)]
    server: Option<String>,
}

const EXAMPLES: &str = "Examples:
  client watch                        watch the game to its end
  client watch --json | jq .type      show the events as JSON
  client play --name ann              play with the keyboard
  echo 'n n e' | client play -n ann   make three moves, and leave when they are confirmed
  ./bot | client play -n ann          play with a program that prints lines such as N ann
  client play -n ann --keys r=rock,p=paper,s=scissors
                                      play with your own keys, in a game with other actions
  client play -n bob --random-walk 1s move at random
  client ping --timeout 1s            check that a server replies
  client herd --mode watch -n 1000    load test with 1000 spectators that check their streams
  client echo hello                   send a message to `server echo`

Exit codes: 0 the game ended, or you left; 1 no server, or connection lost; 2 invalid usage; 130 interrupted";

const PLAY_HELP: &str = "Keys in a terminal:
  n s e w, h j k l, arrows    move north, south, east, west (hjkl: west, south, north, east)
  : or enter                  type a line; enter sends it, escape cancels it
  ?                           list the keys
  q or Ctrl-D                 leave

Lines, typed or from a pipe: in walk and snake `n n e` makes three moves, and `N bob` moves
another player. In other games a line is one action of your player: `bid 10` and `bid 10 ann`
are the same for ann. A JSON object acts for any player:
  {\"type\":\"action\",\"action\":\"rock\",\"name\":\"bob\"}

Examples:
  client play -n ann
  client play -n ann --keys 'r=rock,p=paper,s=scissors' --keys 'space=bid 10'
  echo rock | client play -n ann";

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the game to its end
    Watch(ShowArgs),
    /// Watch the game and act for a player, by keyboard (n s e w, h j k l, arrow keys, q to quit) or from
    /// a pipe
    #[command(after_help = PLAY_HELP)]
    Play(PlayArgs),
    /// Check that a server replies: exit code 0 if it does, 1 if not
    Ping {
        /// Check an echo server instead of a game server
        #[arg(long)]
        echo: bool,

        /// Timeout for the reply
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_timeout)]
        timeout: Duration,
    },
    /// Load test a server with many virtual clients, and check everything they receive
    Herd(Box<HerdArgs>),
    /// Send a message to an echo server: exit code 0 if the reply is equal, 1 if not
    Echo {
        /// Message of at most 100 bytes [default: each line of standard input]
        #[arg(value_parser = parse_message)]
        message: Option<String>,

        /// Timeout for a reply
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_timeout)]
        timeout: Duration,
    },
}

#[derive(Debug, clap::Args)]
struct PlayArgs {
    /// Name of the player
    #[arg(long, short)]
    name: Name,

    /// Keys and their actions, for a terminal, as in r=rock,p=paper. A key is one character, or space,
    /// enter, tab, up, down, left or right
    #[arg(
        long,
        value_name = "KEY=ACTION",
        value_delimiter = ',',
        value_parser = KeyBinding::parse,
        conflicts_with = "random_walk",
    )]
    keys: Vec<KeyBinding>,

    /// Move at random instead of reading standard input, with pauses of up to this time
    #[arg(long, value_name = "TIME", value_parser = parse_pause)]
    random_walk: Option<Duration>,

    /// Continue to watch when standard input has ended and all moves are confirmed, instead of
    /// leaving
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
    /// Show the lines of the server as JSON
    #[arg(long)]
    json: bool,

    /// End when the connection is lost, instead of reconnecting
    #[arg(long)]
    no_retry: bool,
}

impl Args {
    /// Runs the command. Returns the exit code.
    pub fn run(self) -> ExitCode {
        let runtime = match self.runtime() {
            Ok(runtime) => runtime,
            Err(error) => return failure(format_args!("cannot start: {error}")),
        };
        let code = runtime.block_on(self.run_command());
        // The thread that reads standard input may be blocked, and is not waited for.
        runtime.shutdown_background();
        code
    }

    /// The runtime for the command. Commands that need no further threads start none, so that a health
    /// check works where the system allows hardly any.
    fn runtime(&self) -> io::Result<Runtime> {
        let mut builder = match self.command {
            Command::Ping { .. } | Command::Echo { .. } => Builder::new_current_thread(),
            Command::Watch(_) | Command::Play(_) | Command::Herd(_) => Builder::new_multi_thread(),
        };
        builder.enable_all().build()
    }

    async fn run_command(self) -> ExitCode {
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
    /// Whether it connects to an echo server rather than to a game server.
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
            options.format = Format::None;
        }
        if let Some(max_pause) = self.random_walk {
            return play_at_random(options, self.name, max_pause).await;
        }
        let keys = KeyMap::new(self.keys);
        let (name, keep_watching) = (self.name, self.keep_watching);
        play(options, PlayOptions { name, keys, keep_watching }).await
    }
}

impl ShowArgs {
    fn options(self, server: String) -> GameOptions {
        let format = if self.json { Format::Json } else { Format::Text };
        GameOptions { server, retry: !self.no_retry, format }
    }
}

/// The server of the flag, or else of the environment, or else the default.
fn server_of(flag: Option<String>, wants_echo: bool) -> Result<String, String> {
    let (name, default) = if wants_echo {
        ("TRIBUNE_ECHO_SERVER", DEFAULT_ECHO_ADDRESS)
    } else {
        ("TRIBUNE_SERVER", DEFAULT_ADDRESS)
    };
    let named = env::var_os(name).filter(|server| !server.is_empty());
    match (flag, named) {
        (Some(server), _) => Ok(server),
        // A value that is not UTF-8 is not an address.
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
    fn the_command_line_is_valid() {
        Args::command().debug_assert();
    }

    #[test]
    fn ping_starts_no_threads() {
        let ping = Args::try_parse_from(["client", "ping"]).unwrap();
        let runtime = ping.runtime().unwrap();
        assert_eq!(runtime.handle().runtime_flavor(), RuntimeFlavor::CurrentThread);
    }
}

//! The command line of a game.

use std::{
    fmt::Display,
    fs::File,
    io::{self, Read},
    num::NonZeroU32,
    path::{Path, PathBuf},
    thread::available_parallelism,
    time::Duration,
};

use bytesize::ByteSize;
use tribune_cli::{parse_number, parse_number_within, parse_time};
use tribune_protocol::{BoardSize, DEFAULT_ADDRESS, MAX_PLAYERS};

use super::{ArgsError, resolve};
use crate::{
    edge::Limits,
    feed::BroadcastConfig,
    game::GameConfig,
    log::MIN_LOG_BYTES,
    messages::LogFormat,
    programs::ProgramLimits,
    schedule::{
        DEMONSTRATION, MAX_SCENARIO, PredefCommand, Scheduled, parse_scenario, parse_script,
    },
    settings::{FAREWELL_LIMIT, SNAPSHOT_BYTES, STALL_LIMIT, Settings},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The most bytes of the past that can be kept. More is a mistake, which would only show when the
/// memory of the machine is full.
const LARGEST_LOG: u64 = 64 << 30;

/// How a game is to be run, as it is typed.
#[derive(Debug, clap::Args)]
pub struct GameArgs {
    /// Which predefs start when, in seconds after the start: at most 10,000 entries SECONDS:PREDEF
    #[arg(
        long,
        value_name = "ENTRIES",
        default_value = DEMONSTRATION,
        conflicts_with = "scenario",
        help_heading = "Game"
    )]
    script: String,

    /// Start the workers of this TOML file instead
    #[arg(long, value_name = "FILE", help_heading = "Game")]
    scenario: Option<PathBuf>,

    /// Play with this program instead of the built-in one; {predef} stands for the number of the predef
    #[arg(long, value_name = "COMMAND", help_heading = "Game")]
    agent: Option<PredefCommand>,

    /// Go on when no program is left
    #[arg(long, help_heading = "Game")]
    stay: bool,

    /// Start the script again each time it has ended
    #[arg(long, help_heading = "Game")]
    repeat: bool,

    /// The size of the board in cells
    #[arg(long, value_name = "WxH", default_value = "32x16", value_parser = parse_board, help_heading = "Game")]
    board: BoardSize,

    /// The time from tick to tick
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_tick, help_heading = "Game")]
    tick: Duration,

    /// Repeat a game: the built-in players' moves, and where players enter [default: by chance]
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>, help_heading = "Game")]
    seed: Option<u64>,

    /// Where to listen; may be given several times, and port 0 is one that is free
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ADDRESS, help_heading = "Network")]
    listen: Vec<String>,

    /// The most clients at a time
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = parse_number::<usize>, help_heading = "Network")]
    max_clients: usize,

    /// The most moves per second and connection; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = parse_number::<u32>, help_heading = "Network")]
    move_rate: u32,

    /// The most players per connection or program
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Network")]
    #[arg(value_parser = parse_max_players)]
    max_players: u32,

    /// The most players in the game
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = "Network")]
    #[arg(value_parser = parse_max_players_total)]
    max_players_total: u32,

    /// The most bytes per second that all connections of one address add to the log, beyond which
    /// moves are refused; 0 for no limit
    #[arg(long, value_name = "BYTES", default_value = "8MiB", value_parser = parse_byte_rate, help_heading = "Network")]
    address_bytes: u32,

    /// How much of the past is kept for clients that fall behind or come back, from 4KiB to 64GiB
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = parse_log_bytes, help_heading = "Network")]
    log_bytes: usize,

    /// The least time between two writes to a client: later for everyone, and cheaper
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_flush_interval, help_heading = "Network")]
    flush_interval: Duration,

    /// How many tasks write to clients [default: one less than there are processors]
    #[arg(long, value_name = "N", value_parser = parse_shards, help_heading = "Network")]
    shards: Option<u16>,

    /// The most lines per second that a program can print before it has to wait; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = parse_number::<u32>, help_heading = "Programs")]
    output_rate: u32,

    /// The most bytes per second that each output of a program adds to the log before it has to wait;
    /// 0 for no limit
    #[arg(long, value_name = "BYTES", default_value = "2MiB", value_parser = parse_byte_rate, help_heading = "Programs")]
    output_bytes: u32,

    /// How long a program that is asked to end may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_grace, help_heading = "Programs")]
    grace: Duration,

    /// Do not tell the game on standard output, nor what to try next
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,

    /// How log lines are written on standard error; `RUST_LOG` says which
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub log_format: LogFormat,
}

impl GameArgs {
    /// The settings that were asked for. Reads the scenario file, and looks up names of hosts.
    ///
    /// # Errors
    /// Says what cannot be understood or is not there, and what would be right.
    pub fn into_settings(self) -> Result<Settings, ArgsError> {
        let predef_command = self.agent.unwrap_or_default();
        let script = read_script(&self.script, self.scenario.as_deref(), &predef_command)?;
        if self.repeat && script.is_empty() {
            return Err(ArgsError::Usage(
                "--repeat needs a script with at least one entry, as in --script 0.5:1".into(),
            ));
        }
        let players = usize::try_from(self.max_players).unwrap_or(usize::MAX);
        let game = GameConfig {
            board: self.board,
            tick: self.tick,
            seed: self.seed.unwrap_or_else(|| rand::random::<u32>().into()),
            script,
            repeat: self.repeat,
            stay: self.stay,
            predef_command,
        };
        let shards = self.shards.map_or_else(default_shards, usize::from);
        Ok(Settings {
            game,
            listen: self.listen.iter().map(|address| resolve(address)).collect::<Result<_, _>>()?,
            max_clients: self.max_clients,
            limits: Limits { move_rate: NonZeroU32::new(self.move_rate), players },
            address_bytes: NonZeroU32::new(self.address_bytes),
            max_players: usize::try_from(self.max_players_total).unwrap_or(usize::MAX),
            program_limits: ProgramLimits {
                max_players: players,
                max_output_lines: NonZeroU32::new(self.output_rate),
                max_output_bytes: NonZeroU32::new(self.output_bytes),
                grace: self.grace,
            },
            log_bytes: self.log_bytes,
            pace: BroadcastConfig {
                flush_interval: self.flush_interval,
                stall_timeout: STALL_LIMIT,
                drain_stall_timeout: FAREWELL_LIMIT,
                max_snapshot_bytes: SNAPSHOT_BYTES / shards,
            },
            shards,
            console: !self.quiet,
        })
    }
}

fn read_script(
    script: &str,
    scenario: Option<&Path>,
    predef_command: &PredefCommand,
) -> Result<Vec<Scheduled>, ArgsError> {
    let usage = |error: &dyn Display| ArgsError::Usage(error.to_string());
    let Some(path) = scenario else {
        return parse_script(script, predef_command).map_err(|error| usage(&error));
    };
    let text = read_scenario(path).map_err(|error| {
        ArgsError::Missing(format!("cannot read the scenario {}: {error}", path.display()))
    })?;
    parse_scenario(&text, path, predef_command).map_err(|error| usage(&error))
}

/// The text of the file at `path`, if it is not too large for a scenario.
fn read_scenario(path: &Path) -> io::Result<String> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_SCENARIO + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SCENARIO {
        return Err(invalid(format!("it has more than {MAX_SCENARIO} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
        invalid(format!("its line {line} is not UTF-8"))
    })
}

/// One processor is left to everything but writing; on few, more shards only cost batches.
fn default_shards() -> usize {
    available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1))
}

fn parse_board(text: &str) -> Result<BoardSize, String> {
    let side = |text: &str| text.parse().ok().filter(|&side: &u16| side > 0);
    let size = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    let (width, height) = size.ok_or("expected WIDTHxHEIGHT, each from 1 to 65535, as in 32x16")?;
    Ok(BoardSize { width, height })
}

fn parse_tick(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), DAY)
}

fn parse_flush_interval(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::ZERO, Duration::from_secs(1))
}

fn parse_grace(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::ZERO, DAY)
}

fn parse_max_players(text: &str) -> Result<u32, String> {
    // They are searched one by one.
    parse_number_within(text, 1..=1000)
}

fn parse_max_players_total(text: &str) -> Result<u32, String> {
    parse_number_within(text, 1..=u32::try_from(MAX_PLAYERS).unwrap_or(u32::MAX))
}

fn parse_shards(text: &str) -> Result<u16, String> {
    parse_number_within(text, 1..=1024)
}

fn parse_log_bytes(text: &str) -> Result<usize, String> {
    let size = text.parse::<ByteSize>().ok().map(|size| size.as_u64());
    let size = size.filter(|&size| size <= LARGEST_LOG).and_then(|size| usize::try_from(size).ok());
    size.filter(|&size| size >= MIN_LOG_BYTES).ok_or_else(|| {
        format!("expected a number of bytes from {MIN_LOG_BYTES} to 64GiB, as in 65536 or 16MiB")
    })
}

/// Reads bytes per second. Beyond the highest, a nanosecond is too coarse to count bytes by.
fn parse_byte_rate(text: &str) -> Result<u32, String> {
    const MOST: u64 = 100 << 20;
    let bytes = text.parse().ok().map(|size: ByteSize| size.as_u64());
    match bytes {
        Some(bytes @ (0 | 1024..=MOST)) => u32::try_from(bytes).map_err(|error| error.to_string()),
        _ => {
            Err("expected 0, or a number of bytes from 1KiB to 100MiB, as in 65536 or 2MiB".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Args;

    fn settings(args: &[&str]) -> Result<Settings, ArgsError> {
        Args::try_parse_from([&["server"], args].concat()).unwrap().game.into_settings()
    }

    fn complaint(args: &[&str]) -> String {
        match Args::try_parse_from([&["server"], args].concat()) {
            Err(error) => error.to_string(),
            Ok(args) => args.game.into_settings().unwrap_err().to_string(),
        }
    }

    #[test]
    fn without_arguments_it_is_the_demonstration() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.listen, ["127.0.0.1:7777".parse().unwrap()]);
        let titles: Vec<_> =
            settings.game.script.iter().map(|entry| &*entry.program.title).collect();
        assert_eq!(titles, ["predef 1", "predef 2", "predef 3"]);
        assert_eq!(settings.game.board, BoardSize { width: 32, height: 16 });
        assert_eq!(settings.game.tick, Duration::from_secs(1));
        assert_eq!(settings.log_bytes, 16 << 20);
        assert_eq!(settings.limits.move_rate.map(NonZeroU32::get), Some(50));
    }

    #[test]
    fn every_address_is_listened_on() {
        let settings = settings(&["--listen", "127.0.0.1:0", "--listen", "[::1]:80"]).unwrap();
        assert_eq!(settings.listen, ["127.0.0.1:0".parse().unwrap(), "[::1]:80".parse().unwrap()]);
    }

    #[test]
    fn zero_is_no_limit() {
        let settings = settings(&["--move-rate", "0", "--output-rate", "0"]).unwrap();
        assert_eq!(
            (settings.limits.move_rate, settings.program_limits.max_output_lines),
            (None, None)
        );
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_what_would_be_right() {
        let cases: [(&[&str], &str); 19] = [
            (&["--script", "0:9"], "expected 1, 2, 3 or 4"),
            (&["--script", "99999999999:1"], "from 0 to 31536000 (a year)"),
            (&["--board", "0x4"], "expected WIDTHxHEIGHT"),
            (&["--board", "32"], "expected WIDTHxHEIGHT"),
            (&["--tick", "0s"], "a time from 1ms to 1day"),
            (&["--tick", "soon"], "as in 500ms"),
            (&["--log-bytes", "10"], "from 4096 to 64GiB"),
            (&["--log-bytes", "much"], "as in 65536 or 16MiB"),
            (&["--log-bytes", "16EiB"], "from 4096 to 64GiB"),
            (&["--log-bytes", "65GiB"], "from 4096 to 64GiB"),
            (&["--max-players", "0"], "from 1 to 1000"),
            (&["--max-players-total", "40000"], "from 1 to 32768"),
            (&["--output-bytes", "1"], "from 1KiB to 100MiB"),
            (&["--address-bytes", "1GiB"], "from 1KiB to 100MiB"),
            (&["--shards", "x"], "from 1 to 1024"),
            (&["--listen", "7777"], "expected HOST:PORT"),
            (&["--repeat", "--script", ""], "--repeat needs a script"),
            (&["--agent", ""], "expected a command"),
            (&["--script", "0:1", "--scenario", "x.toml"], "cannot be used with"),
        ];
        for (args, part) in cases {
            let complaint = complaint(args);
            assert!(complaint.contains(part), "{args:?}: {complaint}");
        }
    }

    #[test]
    fn a_scenario_that_is_not_there_is_no_wrong_usage() {
        let error = settings(&["--scenario", "/nowhere/s.toml"]).unwrap_err();
        assert!(
            matches!(error, ArgsError::Missing(message) if message.contains("/nowhere/s.toml"))
        );
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}

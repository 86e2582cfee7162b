//! The command line of a game.

use std::{net::SocketAddr, num::NonZeroU32, thread::available_parallelism, time::Duration};

use clap::{Args as _, FromArgMatches};
use tribune_cli::parse_number;
use tribune_protocol::{BoardSize, DEFAULT_ADDRESS, MAX_CELLS};

use super::{
    ArgsError,
    programs::ProgramsArgs,
    resolve_all,
    rules::RulesArgs,
    values::{
        parse_board, parse_byte_rate, parse_flush_interval, parse_grace, parse_log_bytes,
        parse_max_players, parse_max_players_total, parse_shards, parse_tick,
    },
    web::WebArgs,
};
use crate::{
    edge::ConnectionLimits,
    feed::BroadcastConfig,
    game::GameConfig,
    logging::LogFormat,
    programs::ProgramLimits,
    schedule::{PredefCommand, Scheduled},
    settings::{DRAIN_STALL_LIMIT, SNAPSHOT_BYTES, STALL_LIMIT, Settings},
    web::{WebAddress, WebConfig},
};

/// The arguments of a game, as typed.
#[derive(Debug, clap::Args)]
pub struct GameArgs {
    #[command(flatten)]
    rules: RulesArgs,

    #[command(flatten)]
    programs: ProgramsArgs,

    /// Keep the game going when no program is left
    #[arg(long, help_heading = "Game")]
    stay: bool,

    /// Start the script again whenever all of its programs have ended
    #[arg(long, help_heading = "Game")]
    repeat: bool,

    /// Size of the board in cells
    #[arg(long, value_name = "WxH", default_value = "32x16", value_parser = parse_board, help_heading = "Game")]
    board: BoardSize,

    /// Time between two ticks of the clock
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_tick, help_heading = "Game")]
    tick: Duration,

    /// Seed of the built-in programs' moves and of the cells where players enter [default: random]
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>, help_heading = "Game")]
    seed: Option<u64>,

    /// Address to listen on, repeatable; port 0 picks a free port
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_ADDRESS, help_heading = "Network")]
    listen: Vec<String>,

    #[command(flatten)]
    web: WebArgs,

    /// Maximum number of clients
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = parse_number::<usize>, help_heading = "Network")]
    max_clients: usize,

    /// Maximum moves per second of each connection; 0 for no limit
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = parse_number::<u32>, help_heading = "Network")]
    move_rate: u32,

    /// Maximum number of players of each connection or program
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Network")]
    #[arg(value_parser = parse_max_players)]
    max_players: u32,

    /// Maximum number of players in the game
    #[arg(long, value_name = "N", default_value_t = 10_000, help_heading = "Network")]
    #[arg(value_parser = parse_max_players_total)]
    max_players_total: u32,

    /// Maximum bytes per second that all connections from one address may add to the log; further
    /// moves are refused; 0 for no limit
    #[arg(long, value_name = "BYTES", default_value = "8MiB", value_parser = parse_byte_rate, help_heading = "Network")]
    address_bytes: u32,

    /// Size of the log of past events, for clients that fall behind or reconnect; 4KiB to 64GiB
    #[arg(long, value_name = "BYTES", default_value = "16MiB", value_parser = parse_log_bytes, help_heading = "Network")]
    log_bytes: usize,

    /// Minimum time between two writes to a client: adds latency, saves processor time
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = parse_flush_interval, help_heading = "Network")]
    flush_interval: Duration,

    /// Number of tasks that write to clients [default: the number of processors minus one]
    #[arg(long, value_name = "N", value_parser = parse_shards, help_heading = "Network")]
    shards: Option<u16>,

    /// Maximum lines per second of each output of a program, which is slowed down beyond that; 0 for
    /// no limit
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = parse_number::<u32>, help_heading = "Programs")]
    output_rate: u32,

    /// Maximum bytes per second that each output of a program may add to the log, which is slowed
    /// down beyond that; 0 for no limit
    #[arg(long, value_name = "BYTES", default_value = "2MiB", value_parser = parse_byte_rate, help_heading = "Programs")]
    output_bytes: u32,

    /// How long a program may take to exit after it was asked to
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_grace, help_heading = "Programs")]
    grace: Duration,

    /// Do not print events on standard output, nor hints at the start
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,

    /// Format of the log on standard error; `RUST_LOG` sets its level
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub log_format: LogFormat,
}

impl GameArgs {
    /// The addresses to listen on, and the settings of the server. Reads the scenario file, and
    /// resolves host names.
    ///
    /// # Errors
    /// Names the argument that is invalid or unavailable, and what is expected.
    pub fn into_settings(mut self) -> Result<(Vec<SocketAddr>, Settings), ArgsError> {
        let defaults = self.rules.defaults();
        let predef_command = self.programs.predef_command(defaults.programs);
        let script = self.programs.schedule(defaults.demonstration, &predef_command)?;
        if defaults.draws_cells && self.board.cells() > MAX_CELLS {
            return Err(ArgsError::Usage(format!(
                "--board is too large for this game: expected at most {MAX_CELLS} cells"
            )));
        }
        if self.repeat && script.is_empty() {
            return Err(ArgsError::Usage(
                "--repeat needs a script with at least one entry, as in --script 0.5:1".into(),
            ));
        }
        let listen = resolve_all(&self.listen)?;
        let web = std::mem::take(&mut self.web).into_config()?;
        Ok((listen, self.settings(script, &predef_command, web)))
    }

    /// The settings of a game by `rules` that does not end by itself, with no programs yet, and with the
    /// defaults of all other arguments.
    pub fn for_trial(rules: RulesArgs, tick: Duration, seed: Option<u64>) -> Settings {
        let matches = Self::augment_args(clap::Command::new("server")).get_matches_from(["server"]);
        let args = Self::from_arg_matches(&matches).expect("no argument of a game is required");
        let args = Self { rules, tick, seed, stay: true, ..args };
        let predef_command = args.rules.defaults().programs;
        let web = WebConfig { address: WebAddress::None, names: Vec::new() };
        args.settings(Vec::new(), &predef_command, web)
    }

    fn settings(
        self,
        script: Vec<Scheduled>,
        predef_command: &PredefCommand,
        web: WebConfig,
    ) -> Settings {
        let max_players = usize::try_from(self.max_players).unwrap_or(usize::MAX);
        let shards = self.shards.map_or_else(default_shards, usize::from);
        Settings {
            game: GameConfig {
                stay: self.stay
                    || (script.is_empty() && self.rules.defaults().stays_without_programs),
                rules: self.rules.config(),
                board: self.board,
                tick: self.tick,
                turns: self.rules.turns(self.tick),
                ends: self.rules.ends(self.repeat),
                respawn: self.rules.respawn(),
                seed: self.seed.unwrap_or_else(|| rand::random::<u32>().into()),
                repeat: self.repeat,
                script,
                keyboard: predef_command.programs(),
            },
            max_clients: self.max_clients,
            limits: ConnectionLimits { move_rate: NonZeroU32::new(self.move_rate), max_players },
            address_bytes: NonZeroU32::new(self.address_bytes),
            max_players: usize::try_from(self.max_players_total).unwrap_or(usize::MAX),
            runs_programs: true,
            program_limits: ProgramLimits {
                max_players,
                max_output_lines: NonZeroU32::new(self.output_rate),
                max_output_bytes: NonZeroU32::new(self.output_bytes),
                input_grace: Duration::ZERO,
                grace: self.grace,
            },
            log_bytes: self.log_bytes,
            broadcast: BroadcastConfig {
                flush_interval: self.flush_interval,
                stall_timeout: STALL_LIMIT,
                drain_stall_timeout: DRAIN_STALL_LIMIT,
                max_snapshot_bytes: SNAPSHOT_BYTES / shards,
            },
            shards,
            web,
        }
    }
}

/// One processor is left to everything but writing. With few processors, more shards only make the
/// batches smaller.
fn default_shards() -> usize {
    available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Args;

    fn settings(args: &[&str]) -> Result<(Vec<SocketAddr>, Settings), ArgsError> {
        Args::try_parse_from([&["server"], args].concat()).unwrap().game.into_settings()
    }

    fn complaint(args: &[&str]) -> String {
        match Args::try_parse_from([&["server"], args].concat()) {
            Err(error) => error.to_string(),
            Ok(args) => args.game.into_settings().unwrap_err().to_string(),
        }
    }

    #[test]
    fn runs_the_demonstration_by_default() {
        let (listen, settings) = settings(&[]).unwrap();
        assert_eq!(listen, ["127.0.0.1:7777".parse().unwrap()]);
        let titles: Vec<_> =
            settings.game.script.iter().map(|entry| &*entry.program.title).collect();
        assert_eq!(titles, ["predef 1", "predef 2", "predef 3"]);
        assert_eq!(settings.game.board, BoardSize { width: 32, height: 16 });
        assert_eq!(settings.game.tick, Duration::from_secs(1));
        assert_eq!(settings.log_bytes, 16 << 20);
        assert_eq!(settings.limits.move_rate.map(NonZeroU32::get), Some(50));
    }

    #[test]
    fn the_demonstration_of_snake_has_four_players_of_its_own() {
        let (_, settings) = settings(&["--game", "snake"]).unwrap();
        let titles: Vec<_> =
            settings.game.script.iter().map(|entry| &*entry.program.title).collect();
        assert_eq!(titles, ["wanda, skill 1", "gus, skill 2", "cara, skill 3", "cleo, skill 3"]);
        assert_eq!(settings.game.turns.period, Duration::from_millis(150));
    }

    #[test]
    fn listens_on_every_address() {
        let (listen, _) = settings(&["--listen", "127.0.0.1:0", "--listen", "[::1]:80"]).unwrap();
        assert_eq!(listen, ["127.0.0.1:0".parse().unwrap(), "[::1]:80".parse().unwrap()]);
    }

    #[test]
    fn has_a_page_on_this_machine_unless_asked_otherwise() {
        let web = |args: &[&str]| settings(args).unwrap().1.web;
        assert_eq!(web(&[]).address, WebAddress::Default);
        assert_eq!(web(&["--no-web"]).address, WebAddress::None);
        let address = WebAddress::Given("[::1]:80".parse().unwrap());
        assert_eq!(web(&["--web", "[::1]:80"]).address, address);
        let names = web(&["--web-host", "a.example", "--web-host", "b"]).names;
        assert_eq!(names, ["a.example", "b"]);
    }

    #[test]
    fn zero_means_no_limit() {
        let (_, settings) = settings(&["--move-rate", "0", "--output-rate", "0"]).unwrap();
        assert_eq!(
            (settings.limits.move_rate, settings.program_limits.max_output_lines),
            (None, None)
        );
    }

    #[test]
    fn a_match_has_one_round_unless_it_is_repeated() {
        let rounds = |args: &[&str]| settings(args).unwrap().1.game.ends.rounds;
        assert_eq!(rounds(&["--game", "snake"]), None);
        for ends_a_round in [&["--turns", "9"][..], &["--game", "snake", "--no-respawn"]] {
            assert_eq!(rounds(ends_a_round), Some(1));
            assert_eq!(rounds(&[ends_a_round, &["--repeat"]].concat()), None);
            assert_eq!(rounds(&[ends_a_round, &["--rounds", "3"]].concat()), Some(3));
        }
    }

    #[test]
    fn rejects_invalid_values_with_what_is_expected() {
        let cases: [(&[&str], &str); 24] = [
            (&["--script", "0:9"], "expected 1, 2, 3 or 4"),
            (&["--script", "99999999999:1"], "from 0 to 31536000 (a year)"),
            (&["--board", "0x4"], "expected WIDTHxHEIGHT"),
            (&["--board", "32"], "expected WIDTHxHEIGHT"),
            (&["--board", "300x300", "--game", "snake"], "at most 43690 cells"),
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
            (&["--web", "7778"], "for --web: expected HOST:PORT"),
            (&["--web-host", "a:80"], "without a port"),
            (&["--web", "127.0.0.1:0", "--no-web"], "cannot be used with"),
            (&["--repeat", "--script", ""], "--repeat needs a script"),
            (&["--agent", ""], "expected a command"),
            (&["--bot", "sh -c 'x"], "a quotation mark in it is not closed"),
            (&["--script", "0:1", "--scenario", "x.toml"], "cannot be used with"),
        ];
        for (args, part) in cases {
            let complaint = complaint(args);
            assert!(complaint.contains(part), "{args:?}: {complaint}");
        }
    }

    #[test]
    fn a_missing_scenario_is_not_a_usage_error() {
        let error = settings(&["--scenario", "/nowhere/s.toml"]).unwrap_err();
        assert!(
            matches!(error, ArgsError::Unavailable(message) if message.contains("/nowhere/s.toml"))
        );
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }
}

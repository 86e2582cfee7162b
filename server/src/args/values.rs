//! Parsers of the values of options. Their errors say what is expected.

use std::{env, sync::Arc, time::Duration};

use bytesize::ByteSize;
use tribune_cli::{parse_number_within, parse_time};
use tribune_protocol::{BoardSize, MAX_PLAYERS};

use crate::{
    game::RulesConfig,
    log::MIN_LOG_BYTES,
    schedule::{Program, command_words},
};

/// What a game can be.
const GAME_FORM: &str =
    "expected walk, snake, or the command of a referee, as in \"python3 referee.py\"";

const DAY: Duration = Duration::from_secs(24 * 3600);

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The most bytes of a log. A larger value is a typing error, which would otherwise show only when
/// the memory of the machine is full.
const MAX_LOG: u64 = 64 << 30;

/// The most bytes per second of a limit: for more, a nanosecond is too long an emission interval.
const MAX_BYTE_RATE: u64 = 100 << 20;

pub fn parse_board(text: &str) -> Result<BoardSize, String> {
    let side = |text: &str| text.parse().ok().filter(|&side: &u16| side > 0);
    let size = text.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    let (width, height) = size.ok_or("expected WIDTHxHEIGHT, each from 1 to 65535, as in 32x16")?;
    Ok(BoardSize { width, height })
}

pub fn parse_tick(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), DAY)
}

pub fn parse_rules(text: &str) -> Result<RulesConfig, String> {
    match text {
        "walk" => return Ok(RulesConfig::Walk),
        "snake" => return Ok(RulesConfig::Snake),
        _ => {}
    }
    let words = command_words(text).map_err(|error| format!("{GAME_FORM}: {error}"))?;
    let program = &words[0];
    if words.len() == 1 && !program.contains('/') && !is_in_path(program) {
        return Err(format!("{GAME_FORM}; there is no program {program} in PATH"));
    }
    Ok(RulesConfig::Referee(Arc::new(Program::external(words))))
}

/// Whether a program of this name is in a folder of `PATH`.
fn is_in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

pub fn parse_turn(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), DAY)
}

pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::from_millis(1), YEAR)
}

/// A number of turns or rounds.
pub fn parse_count(text: &str) -> Result<u64, String> {
    parse_number_within(text, 1..=1_000_000_000)
}

pub fn parse_flush_interval(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::ZERO, Duration::from_secs(1))
}

pub fn parse_grace(text: &str) -> Result<Duration, String> {
    parse_time(text, Duration::ZERO, DAY)
}

pub fn parse_max_players(text: &str) -> Result<u32, String> {
    // A roster is searched linearly.
    parse_number_within(text, 1..=1000)
}

pub fn parse_max_players_total(text: &str) -> Result<u32, String> {
    parse_number_within(text, 1..=u32::try_from(MAX_PLAYERS).unwrap_or(u32::MAX))
}

pub fn parse_shards(text: &str) -> Result<u16, String> {
    parse_number_within(text, 1..=1024)
}

pub fn parse_log_bytes(text: &str) -> Result<usize, String> {
    let size = text.parse::<ByteSize>().ok().map(|size| size.as_u64());
    let size = size.filter(|&size| size <= MAX_LOG).and_then(|size| usize::try_from(size).ok());
    size.filter(|&size| size >= MIN_LOG_BYTES).ok_or_else(|| {
        format!("expected a number of bytes from {MIN_LOG_BYTES} to 64GiB, as in 65536 or 16MiB")
    })
}

pub fn parse_byte_rate(text: &str) -> Result<u32, String> {
    let rate = text.parse().ok().map(|rate: ByteSize| rate.as_u64());
    let rate = rate.filter(|rate| matches!(rate, 0 | 1024..=MAX_BYTE_RATE));
    rate.and_then(|rate| u32::try_from(rate).ok()).ok_or_else(|| {
        "expected 0, or a number of bytes from 1KiB to 100MiB, as in 65536 or 2MiB".to_owned()
    })
}

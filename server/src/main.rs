//! Runs a game that forked programs and everyone on the network play and watch.

use std::{io, process::ExitCode};

use tokio::runtime::Runtime;
use tribune_cli::{INTERRUPTED, failure, parse_args, usage_error};
use tribune_server::{Args, ArgsError, Command, GameArgs, Messages, Outcome, run, run_guard};

fn main() -> ExitCode {
    let args = match parse_args::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    match args.command {
        None => game(args.game),
        Some(Command::PlayersAgent(players)) => players.run(),
        Some(Command::Guard) => {
            run_guard(io::stdin());
            ExitCode::SUCCESS
        }
    }
}

fn game(args: GameArgs) -> ExitCode {
    let (messages, _flushed_at_the_end) = Messages::open(args.log_format);
    let settings = match args.into_settings() {
        Ok(settings) => settings,
        Err(ArgsError::Usage(message)) => return usage_error(message),
        Err(ArgsError::Missing(message)) => return failure(message),
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failure(format_args!("cannot start: {error}")),
    };
    let outcome = runtime.block_on(run(settings, messages));
    // Nobody waits for a thread that reads the keyboard, or writes to a console that is not read.
    runtime.shutdown_background();
    match outcome {
        Ok(Outcome::Over) => ExitCode::SUCCESS,
        Ok(Outcome::CutShort) => ExitCode::from(INTERRUPTED),
        Err(error) => failure(format_args!("{error:#}")),
    }
}

//! The `server` command: runs a game, the echo service, or a player program.

use std::{io, process::ExitCode};

use tokio::runtime::Runtime;
use tribune_cli::{INTERRUPTED, failure, parse_args, usage_error};
use tribune_server::{
    Args, ArgsError, Command, EchoArgs, GameArgs, LogFormat, Messages, Outcome, init_logging,
    operator, run_guard,
};

fn main() -> ExitCode {
    let args = match parse_args::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    match args.command {
        None => run_game(args.game),
        Some(Command::Echo(args)) => run_echo(args),
        Some(Command::PlayersAgent(args)) => args.run(),
        Some(Command::Guard) => match run_guard(io::stdin()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(format_args!("cannot run the guard: {error}")),
        },
    }
}

fn run_game(args: GameArgs) -> ExitCode {
    let (messages, _flushes_when_dropped) = Messages::to(io::stderr());
    init_logging(&messages, args.log_format);
    let console = !args.quiet;
    match args.into_settings() {
        Ok((listen, settings)) => {
            block_on(operator::run_game(&listen, settings, console, messages))
        }
        Err(error) => report(error),
    }
}

fn run_echo(args: EchoArgs) -> ExitCode {
    let (messages, _flushes_when_dropped) = Messages::to(io::stderr());
    init_logging(&messages, LogFormat::Text);
    let (log, _flushes_too) = Messages::to(io::stdout());
    let log = (!args.quiet).then_some(log);
    match args.into_settings() {
        Ok((listen, settings)) => block_on(operator::run_echo(&listen, settings, log, messages)),
        Err(error) => report(error),
    }
}

fn report(error: ArgsError) -> ExitCode {
    match error {
        ArgsError::Usage(message) => usage_error(message),
        ArgsError::Unavailable(message) => failure(message),
    }
}

fn block_on(server: impl Future<Output = anyhow::Result<Outcome>>) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failure(format_args!("cannot start: {error}")),
    };
    let outcome = runtime.block_on(server);
    // A thread that reads the keyboard, or writes to a console that is not read, may never end.
    runtime.shutdown_background();
    match outcome {
        Ok(Outcome::Finished) => ExitCode::SUCCESS,
        Ok(Outcome::Aborted) => ExitCode::from(INTERRUPTED),
        Err(error) => failure(format_args!("{error:#}")),
    }
}

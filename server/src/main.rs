//! Runs a game that forked programs and everyone on the network play and watch.

use std::{io, process::ExitCode};

use tokio::runtime::Runtime;
use tribune_cli::{INTERRUPTED, failure, parse_args, usage_error};
use tribune_server::{
    Args, ArgsError, Command, EchoArgs, GameArgs, LogFormat, Messages, Outcome, run, run_echo,
    run_guard,
};

fn main() -> ExitCode {
    let args = match parse_args::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    match args.command {
        None => game(args.game),
        Some(Command::Echo(echo)) => serve_echo(echo),
        Some(Command::PlayersAgent(players)) => players.run(),
        Some(Command::Guard) => match run_guard(io::stdin()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(format_args!("cannot guard: {error}")),
        },
    }
}

fn game(args: GameArgs) -> ExitCode {
    let (messages, _flushed_at_the_end) = Messages::open(args.log_format);
    match args.into_settings() {
        Ok(settings) => serve(run(settings, messages)),
        Err(error) => refuse(error),
    }
}

fn serve_echo(args: EchoArgs) -> ExitCode {
    let (messages, _flushed_at_the_end) = Messages::open(LogFormat::Text);
    let (log, _flushed_too) = Messages::to(io::stdout());
    let log = (!args.quiet).then_some(log);
    match args.into_settings() {
        Ok(settings) => serve(run_echo(settings, log, messages)),
        Err(error) => refuse(error),
    }
}

fn refuse(error: ArgsError) -> ExitCode {
    match error {
        ArgsError::Usage(message) => usage_error(message),
        ArgsError::Missing(message) => failure(message),
    }
}

fn serve(server: impl Future<Output = anyhow::Result<Outcome>>) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failure(format_args!("cannot start: {error}")),
    };
    let outcome = runtime.block_on(server);
    // Nobody waits for a thread that reads the keyboard, or writes to a console that is not read.
    runtime.shutdown_background();
    match outcome {
        Ok(Outcome::Over) => ExitCode::SUCCESS,
        Ok(Outcome::CutShort) => ExitCode::from(INTERRUPTED),
        Err(error) => failure(format_args!("{error:#}")),
    }
}

use std::{io, num::NonZero, process::ExitCode, thread::available_parallelism};

use tokio::runtime::{Builder, Runtime};
use tribune_cli::{FAILED, INTERRUPTED, failure, usage_error};

use crate::{
    args::{Args, ArgsError, Command, EchoArgs, GameArgs, TryArgs},
    logging::{LogFormat, init_logging},
    messages::Messages,
    operator::{run_echo, run_game},
    outcome::Outcome,
    programs::run_guard,
    rules::RefereeFailure,
    settings::Settings,
    try_bot::run_trial,
};

/// The exit code if the game has ended because its referee failed.
const REFEREE_FAILED: u8 = 3;

/// Runs what `args` ask for: a game, the echo service, or a player program. Returns the exit code.
pub fn run_command(args: Args) -> ExitCode {
    match args.command {
        None => game(args.game),
        Some(Command::Try(args)) => try_bot(*args),
        Some(Command::Echo(args)) => echo(args),
        Some(Command::PlayersAgent(args)) => args.run(),
        Some(Command::Guard) => match run_guard(io::stdin()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(format_args!("cannot run the guard: {error}")),
        },
    }
}

fn game(args: GameArgs) -> ExitCode {
    let (messages, _flushes_when_dropped) = Messages::to(io::stderr());
    init_logging(&messages, args.log_format);
    let console = !args.quiet;
    match args.into_settings() {
        Ok((listen, settings)) => {
            let runtime = game_runtime(&settings);
            block_on(runtime, run_game(&listen, settings, console, messages))
        }
        Err(error) => report(error),
    }
}

/// The runtime of a game. In lockstep, the server and the programs wait for each other, so a processor is left
/// to the programs: on two processors, that saves wake-ups between the threads of the server.
fn game_runtime(settings: &Settings) -> io::Result<Runtime> {
    if !settings.game.turns.lockstep {
        return Runtime::new();
    }
    let processors = available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread().worker_threads((processors - 1).max(1)).enable_all().build()
}

fn try_bot(args: TryArgs) -> ExitCode {
    let (messages, _flushes_when_dropped) = Messages::to(io::stderr());
    init_logging(&messages, LogFormat::Text);
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failure(format_args!("cannot start: {error}")),
    };
    let report = runtime.block_on(run_trial(args.into_config(), messages));
    runtime.shutdown_background();
    match report {
        Ok(Some(report)) if report.has_played() => ExitCode::SUCCESS,
        Ok(Some(_)) => ExitCode::from(FAILED),
        Ok(None) => ExitCode::from(INTERRUPTED),
        Err(error) => failed(&error),
    }
}

fn echo(args: EchoArgs) -> ExitCode {
    let (messages, _flushes_when_dropped) = Messages::to(io::stderr());
    init_logging(&messages, LogFormat::Text);
    let (log, _flushes_too) = Messages::to(io::stdout());
    let log = (!args.quiet).then_some(log);
    match args.into_settings() {
        Ok((listen, settings)) => {
            block_on(Runtime::new(), run_echo(&listen, settings, log, messages))
        }
        Err(error) => report(error),
    }
}

fn report(error: ArgsError) -> ExitCode {
    match error {
        ArgsError::Usage(message) => usage_error(message),
        ArgsError::Unavailable(message) => failure(message),
    }
}

fn block_on(
    runtime: io::Result<Runtime>,
    server: impl Future<Output = anyhow::Result<Outcome>>,
) -> ExitCode {
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return failure(format_args!("cannot start: {error}")),
    };
    let outcome = runtime.block_on(server);
    // A thread that reads the keyboard, or writes to a console that is not read, may never end.
    runtime.shutdown_background();
    match outcome {
        Ok(Outcome::Finished) => ExitCode::SUCCESS,
        Ok(Outcome::NoProgramStarted { tried }) => failure(format_args!(
            "no program could be started (tried {tried}): see the reasons above"
        )),
        Ok(Outcome::Aborted) => ExitCode::from(INTERRUPTED),
        Ok(Outcome::RefereeFailed(error)) => referee_failure(&error),
        Err(error) => failed(&error),
    }
}

/// Reports `error`, which may be a failure of the referee, and returns its exit code.
fn failed(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<RefereeFailure>() {
        Some(failure) => referee_failure(failure),
        None => failure(format_args!("{error:#}")),
    }
}

fn referee_failure(error: &RefereeFailure) -> ExitCode {
    failure(error);
    ExitCode::from(REFEREE_FAILED)
}

//! The terminal client of Tribune.

use std::process::ExitCode;

use tribune_cli::{failure, parse_args};
use tribune_client::Args;

fn main() -> ExitCode {
    let args = match parse_args::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    let runtime = match args.runtime() {
        Ok(runtime) => runtime,
        Err(error) => return failure(format_args!("cannot start: {error}")),
    };
    let code = runtime.block_on(args.run());
    // The thread that reads standard input may be blocked, and is not waited for.
    runtime.shutdown_background();
    code
}

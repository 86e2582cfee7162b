use std::{fmt, io, process::ExitCode};

use crate::print_message;

/// Exit code of a program that failed.
pub const FAILED: u8 = 1;
/// Exit code for invalid arguments.
pub const USAGE: u8 = 2;
/// Exit code of a program ended by `SIGINT`: 128 plus the number of the signal, as in shells.
pub const INTERRUPTED: u8 = 130;

/// Reports invalid usage on standard error. Returns the exit code [`USAGE`].
pub fn usage_error(message: impl fmt::Display) -> ExitCode {
    print_message(format_args!("error: {message} (see --help)"));
    ExitCode::from(USAGE)
}

/// Reports an error on standard error. Returns the exit code [`FAILED`].
pub fn failure(message: impl fmt::Display) -> ExitCode {
    print_message(format_args!("error: {message}"));
    ExitCode::from(FAILED)
}

/// Whether `error` means that the reader of a pipe has closed it, which is not a failure of the
/// writer.
pub fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

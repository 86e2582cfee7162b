use std::{io, os::unix::process::ExitStatusExt, path::Path, process::ExitStatus};

use tribune_protocol::Exit;

/// The exit code that a shell gives for a command that cannot be executed.
pub const CANNOT_EXECUTE: i32 = 126;

/// The exit code that a shell gives for a command that is not found.
const NOT_FOUND: i32 = 127;

/// The exit of a program that has run.
pub(super) fn exit_of(status: io::Result<ExitStatus>) -> Exit {
    match status {
        Ok(status) => match status.signal() {
            Some(signal) => Exit::Signal { signal },
            None => Exit::Code { code: status.code().unwrap_or_default() },
        },
        Err(error) => {
            tracing::error!(%error, "cannot get the exit status of a program");
            Exit::Code { code: CANNOT_EXECUTE }
        }
    }
}

/// The exit of a program that could not be started because of `error`.
pub(super) fn not_started(program: &str, error: &io::Error) -> Exit {
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_EXECUTE };
    Exit::NotStarted { code, reason: format!("{program}: {error}") }
}

/// Explains why the system reports `file` as not found if it exists.
pub(super) fn explain_not_found(error: io::Error, file: Option<&Path>) -> io::Error {
    if error.kind() != io::ErrorKind::NotFound || !file.is_some_and(Path::exists) {
        return error;
    }
    let reason = "it is there, but not the interpreter or the loader that it asks for";
    io::Error::new(error.kind(), format!("{error}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!(exit_of(Ok(ExitStatus::from_raw(3 << 8))), Exit::Code { code: 3 });
        assert_eq!(exit_of(Ok(ExitStatus::from_raw(9))), Exit::Signal { signal: 9 });
        let code = |kind: io::ErrorKind| match not_started("bot", &kind.into()) {
            Exit::NotStarted { code, reason } => {
                assert!(reason.starts_with("bot: "), "{reason}");
                code
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(code(io::ErrorKind::NotFound), 127);
        assert_eq!(code(io::ErrorKind::PermissionDenied), 126);
    }

    #[test]
    fn missing_interpreter_is_explained_only_if_the_file_exists() {
        let explained = |file| {
            let error = io::Error::from(io::ErrorKind::NotFound);
            explain_not_found(error, file).to_string().contains("interpreter")
        };
        assert!(explained(Some(Path::new("/proc/self/exe"))));
        assert!(!explained(Some(Path::new("/nonexistent"))));
        assert!(!explained(None));
    }
}

use std::{
    io,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::ExitStatus,
};

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

/// Adds to `error`, with which `program` could not be started in the working directory `folder`, what
/// is probably wrong.
pub(super) fn explain(error: io::Error, program: &str, folder: &Path) -> io::Error {
    let is_path = program.contains('/');
    let path = folder.join(program);
    let reason = match error.kind() {
        io::ErrorKind::NotFound if is_path && path.exists() => {
            "it is there, but not the interpreter or the loader that it asks for".into()
        }
        io::ErrorKind::NotFound if !is_path && path.is_file() => {
            format!(
                "there is no such program in PATH; the file in the working directory is ./{program}"
            )
        }
        io::ErrorKind::PermissionDenied if path.is_dir() => "it is a folder".into(),
        io::ErrorKind::PermissionDenied if is_path && is_not_executable(&path) => {
            "it is not executable; run chmod +x, or name its interpreter, as in \"python3 bot.py\""
                .into()
        }
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{error}: {reason}"))
}

/// Whether nobody may execute the file at `path`.
fn is_not_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 == 0)
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
    fn errors_are_explained_by_what_is_there() {
        let explained = |kind: io::ErrorKind, program, folder| {
            explain(kind.into(), program, Path::new(folder)).to_string()
        };
        let has = |error: String, part| assert!(error.contains(part), "{error}");
        let (not_found, denied) = (io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied);
        has(explained(not_found, "/proc/self/exe", "/"), "interpreter");
        has(explained(not_found, "./exe", "/proc/self"), "interpreter");
        has(
            explained(not_found, "exe", "/proc/self"),
            "in PATH; the file in the working directory is ./exe",
        );
        has(explained(denied, "./self", "/proc"), "it is a folder");
        has(explained(denied, "./status", "/proc/self"), "chmod +x");
        for (kind, program) in [
            (not_found, "/nonexistent"),
            (not_found, "nonexistent"),
            // It is a folder.
            (not_found, "self"),
            (denied, "/proc/self/exe"),
            (denied, "/nonexistent"),
        ] {
            let error = explained(kind, program, "/proc");
            assert_eq!(error, io::Error::from(kind).to_string(), "{program}");
        }
    }
}

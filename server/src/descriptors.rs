//! How many files, and so connections, the system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What everything but clients needs: programs with three pipes each, listeners, the runtime.
const RESERVE: u64 = 512;

/// Raises the limit of open files as far as it goes, and gives what it was before.
pub fn raise_limit() -> Rlimit {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
    before
}

/// How many clients fit in.
pub fn room_for_clients() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(RESERVE)).unwrap_or(usize::MAX)
}

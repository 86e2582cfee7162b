//! How many files, and so connections, the system lets this process have open.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What everything but clients needs: programs with three pipes each, listeners, the runtime.
const RESERVE: u64 = 512;

/// Raises the limit of open files as far as it goes, and says how many clients fit in.
pub fn make_room_for_clients() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(RESERVE)).unwrap_or(usize::MAX)
}

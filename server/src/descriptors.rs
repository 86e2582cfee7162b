//! How many connections the system lets this process have open.

use rustix::process::{Resource, Rlimit, getrlimit};
use tribune_cli::{descriptor_limit, raise_descriptor_limit};

/// What everything but clients needs: programs with three pipes each, listeners, the runtime.
const RESERVE: u64 = 512;

/// Raises the limit of open files as far as it goes, and gives what it was before.
pub fn raise_limit() -> Rlimit {
    raise_descriptor_limit().unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot raise the limit of open files");
        getrlimit(Resource::Nofile)
    })
}

/// As many clients as were asked for, or as the system allows.
pub fn most_clients(wanted: usize) -> usize {
    let room = descriptor_limit().saturating_sub(RESERVE);
    let possible = usize::try_from(room).unwrap_or(usize::MAX);
    if wanted > possible {
        tracing::warn!(
            "the system allows {possible} clients rather than {wanted}: raise the limit of open files (ulimit -Hn)"
        );
    }
    wanted.min(possible)
}

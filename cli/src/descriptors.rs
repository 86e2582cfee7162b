use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files, and so of connections, of this process as far as it goes, and
/// gives what it was before.
///
/// # Errors
/// If the system does not let it. Then the limit is as it was.
pub fn raise_descriptor_limit() -> io::Result<Rlimit> {
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum })?;
    Ok(before)
}

/// How many files this process may have open.
pub fn descriptor_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

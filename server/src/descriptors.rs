//! The limit of open files, what it means for the number of clients, and the error beyond it.

use std::io;

use anyhow::bail;
use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit},
};
use tribune_cli::{descriptor_limit, raise_descriptor_limit};

/// Descriptors that a server needs for itself: standard streams (3), the runtime (6), the guard (2),
/// temporarily a program that is being started (11) and files of proc(5) (2), and the rest for
/// connections that are refused, or linger after they were closed.
const SERVER: u64 = 64;

/// Descriptors of a program: three pipes and a handle to wait for its exit. A connection needs fewer.
const PROGRAM: u64 = 5;

/// Programs that can be started from the keyboard, in addition to those of the script.
const FROM_KEYBOARD: u64 = 100;

/// How many descriptors are needed, without those of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// With fewer, the server does not start.
    min: u64,
    /// With these, every program can run.
    wanted: u64,
}

/// The most connections to the port for browsers that are not streams: twenty browsers, each of which
/// keeps up to six open.
const MAX_HTTP_CONNECTIONS: u64 = 128;

/// The needs of a game that has `programs` in its script, and so many `sockets` besides those of clients.
pub fn game_needs(sockets: usize, programs: usize) -> Needs {
    let (sockets, programs) = (count(sockets), count(programs));
    Needs {
        min: SERVER + sockets + programs.min(1) * PROGRAM,
        wanted: SERVER + sockets + (programs + FROM_KEYBOARD) * PROGRAM,
    }
}

/// How many connections to the port for browsers, without streams, the limit of open files allows: a
/// small part of it.
pub fn max_http_connections() -> usize {
    let max = (descriptor_limit() / 16).clamp(4, MAX_HTTP_CONNECTIONS);
    usize::try_from(max).unwrap_or(usize::MAX)
}

/// The needs of an echo server that listens on `addresses`.
pub fn echo_needs(addresses: usize) -> Needs {
    let min = SERVER + count(addresses);
    Needs { min, wanted: min }
}

/// Raises the limit of open files as far as the system allows, and returns the limit before.
pub fn raise_limit() -> Rlimit {
    raise_descriptor_limit().unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot raise the limit of open files");
        getrlimit(Resource::Nofile)
    })
}

/// Whether `error` means that this process, or the system, has no descriptor left.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// `wanted` clients, or as many as the limit of open files allows beside `needs`.
///
/// # Errors
/// If it allows none.
pub fn max_clients(wanted: usize, needs: Needs) -> anyhow::Result<usize> {
    let limit = descriptor_limit();
    let Some(possible) = needs.clients(limit) else {
        let min = needs.min + 1;
        bail!(
            "the system allows this process {limit} open files, and it needs at least {min}: raise the \
             limit, as with `ulimit -n 1024` (only root can raise the hard limit, `ulimit -Hn`)"
        );
    };
    let possible = usize::try_from(possible).unwrap_or(usize::MAX);
    if wanted > possible {
        tracing::warn!(
            "the system allows {possible} clients rather than {wanted}: raise the limit of open files (ulimit -Hn)"
        );
    }
    Ok(wanted.min(possible))
}

impl Needs {
    /// How many clients a limit of `limit` open files allows; `None` if it allows none.
    ///
    /// Programs come first. As they may not all run at the same time, clients always get a quarter of
    /// what the minimum leaves.
    fn clients(self, limit: u64) -> Option<u64> {
        let rest = limit.checked_sub(self.min).filter(|&rest| rest > 0)?;
        Some(limit.saturating_sub(self.wanted).max(rest.div_ceil(4)))
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX / (2 * PROGRAM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_limits_that_allow_no_client() {
        let needs = game_needs(1, 3);
        assert_eq!(needs.clients(needs.min), None);
        assert_eq!(needs.clients(0), None);
        assert_eq!(needs.clients(needs.min + 1), Some(1));
        assert!(echo_needs(1).min < needs.min);
    }

    #[test]
    fn reserves_descriptors_for_every_program() {
        for programs in [0, 3, 100, 1000] {
            let needs = game_needs(1, programs);
            let clients = needs.clients(20_000).unwrap();
            assert_eq!(clients + SERVER + 1 + (count(programs) + FROM_KEYBOARD) * PROGRAM, 20_000);
        }
    }

    #[test]
    fn clients_get_a_quarter_even_if_programs_could_use_all() {
        assert_eq!(game_needs(1, 1000).clients(1024), Some((1024 - 70_u64).div_ceil(4)));
        // The usual limit of shells on other systems.
        assert!(game_needs(1, 3).clients(256) > Some(40));
    }
}

//! How many files, and so connections and pipes to programs, the system lets this process have open.

use anyhow::bail;
use rustix::process::{Resource, Rlimit, getrlimit};
use tribune_cli::{descriptor_limit, raise_descriptor_limit};

/// What a server has open for itself: standard streams (3), the runtime (6), the guard (2), and for a
/// moment a program that is being started (11), files of proc(5) (2), and connections that are
/// refused or were closed and linger, which have the rest.
const SERVER: u64 = 64;

/// What a program takes: three pipes and a handle to wait for its end. A connection takes less.
const PROGRAM: u64 = 5;

/// How many programs can be started from the keyboard, beside those of the script.
const TYPED: u64 = 100;

/// What is needed besides clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Without these there is no use in starting.
    least: u64,
    /// With these all is well.
    wanted: u64,
}

/// What a game needs that listens on so many addresses, and may have so many programs at once.
pub fn game_needs(addresses: usize, programs: usize) -> Needs {
    let (addresses, programs) = (count(addresses), count(programs));
    Needs {
        least: SERVER + addresses + programs.min(1) * PROGRAM,
        wanted: SERVER + addresses + (programs + TYPED) * PROGRAM,
    }
}

/// What an echo server needs that listens on so many addresses.
pub fn echo_needs(addresses: usize) -> Needs {
    let least = SERVER + count(addresses);
    Needs { least, wanted: least }
}

/// Raises the limit of open files as far as it goes, and gives what it was before.
pub fn raise_limit() -> Rlimit {
    raise_descriptor_limit().unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot raise the limit of open files");
        getrlimit(Resource::Nofile)
    })
}

/// As many clients as were asked for, or as the system allows beside what `needs` says.
///
/// # Errors
/// If it allows none.
pub fn max_clients(wanted: usize, needs: Needs) -> anyhow::Result<usize> {
    let limit = descriptor_limit();
    let Some(possible) = needs.clients(limit) else {
        let least = needs.least + 1;
        bail!(
            "the system allows this process {limit} open files, and it needs {least} at least: raise \
             the limit, as by `ulimit -n 1024` (a hard limit only root can raise: see `ulimit -Hn`)"
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
    /// For how many clients a limit of `limit` open files leaves room; `None` if for none.
    ///
    /// Programs come first. But as they may not all run at the same time, clients always get a
    /// quarter of what is left when the server has the least it needs.
    fn clients(self, limit: u64) -> Option<u64> {
        let rest = limit.checked_sub(self.least).filter(|&rest| rest > 0)?;
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
    fn a_server_that_could_serve_nobody_does_not_start() {
        let needs = game_needs(1, 3);
        assert_eq!(needs.clients(needs.least), None);
        assert_eq!(needs.clients(0), None);
        assert_eq!(needs.clients(needs.least + 1), Some(1));
        assert!(echo_needs(1).least < needs.least);
    }

    #[test]
    fn room_is_kept_for_every_program() {
        for programs in [0, 3, 100, 1000] {
            let needs = game_needs(1, programs);
            let clients = needs.clients(20_000).unwrap();
            assert_eq!(clients + SERVER + 1 + (count(programs) + TYPED) * PROGRAM, 20_000);
        }
    }

    #[test]
    fn clients_get_a_part_even_if_programs_could_take_all() {
        assert_eq!(game_needs(1, 1000).clients(1024), Some((1024 - 70_u64).div_ceil(4)));
        // The usual limit of shells on other systems.
        assert!(game_needs(1, 3).clients(256) > Some(40));
    }
}

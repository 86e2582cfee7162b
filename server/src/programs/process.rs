use std::{fs::File, io::Read, time::Duration};

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

use crate::proc_stat::ProcStat;

/// The maximum number of bytes that are read of the environment of a process.
const MAX_ENVIRONMENT: u64 = 1 << 20;

/// How long killed processes may take to disappear. A process that waits for a device within the
/// kernel may take longer, and nothing can speed that up.
pub(super) const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// The process id of the server.
pub(super) fn own_id() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// Sends `signal` to `process`, unless it has exited.
pub(super) fn send_signal(process: &ProcStat, signal: Signal) {
    // Each step fails only if the process has exited, or if the caller has to try again.
    let Some(id) = Pid::from_raw(process.id) else { return };
    let Ok(handle) = pidfd_open(id, PidfdFlags::empty()) else { return };
    // The number may have been reused before the handle was opened.
    let now = ProcStat::read(process.id).ok().flatten();
    if now.is_some_and(|now| now.is_same_process(process)) {
        let _ = pidfd_send_signal(handle, signal);
    }
}

/// The value of `variable` in the environment that `process` was started with, if that is readable.
pub(super) fn environment_variable(process: &ProcStat, variable: &str) -> Option<String> {
    let mut environment = Vec::new();
    let file = File::open(format!("/proc/{}/environ", process.id)).ok()?;
    file.take(MAX_ENVIRONMENT).read_to_end(&mut environment).ok()?;
    let value = environment
        .split(|&byte| byte == 0)
        .find_map(|entry| entry.strip_prefix(variable.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_environment_variables_by_their_whole_name() {
        let id = i32::try_from(std::process::id()).unwrap();
        let this = ProcStat::read(id).unwrap().unwrap();
        assert_eq!(environment_variable(&this, "PATH"), std::env::var("PATH").ok());
        assert_eq!(environment_variable(&this, "PAT"), None);
    }
}

//! What the kernel reports of a server's process.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A server's process, seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct ServerProcess {
    id: u32,
}

impl ServerProcess {
    /// The process `id`.
    pub fn new(id: u32) -> Self {
        Self { id }
    }

    /// The processor time of all its threads.
    pub fn processor_time(self) -> Duration {
        // proc(5): the first number of schedstat is nanoseconds on a processor.
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id)).into_iter().flatten().flatten();
        let spent = |path: PathBuf| {
            let text = fs::read_to_string(path.join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(tasks.filter_map(|task| spent(task.path())).sum())
    }

    /// Counts its system calls for so many seconds and one more, if `perf` is installed.
    pub fn count_calls(self, seconds: u32) -> Option<Child> {
        let mut command = Command::new("perf");
        command.args(["stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", &self.id.to_string()]);
        command.args(["--", "sleep", &(seconds + 1).to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().ok()
    }

    /// Its anonymous memory, in bytes.
    pub fn memory(self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id)).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kilobytes.unwrap_or(0_u64) * 1024
    }
}

/// How many system calls `counter` has counted. Waits until it exits.
pub fn counted_calls(counter: Child) -> Option<f64> {
    let output = counter.wait_with_output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().find_map(|line| line.split(',').next()?.parse().ok())
}

/// The memory of all TCP sockets of the system, in bytes.
pub fn tcp_memory() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("TCP:")).unwrap_or_default();
    let pages = line.split(" mem ").nth(1).and_then(|pages| pages.trim().parse().ok());
    pages.unwrap_or(0_u64) * 4096
}

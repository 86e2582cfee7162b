//! Processes as proc(5) shows them.

use std::{
    fs::{self, File},
    io::{self, Read},
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// What is read of a process's environment at most, in bytes.
const MAX_ENVIRONMENT: u64 = 1 << 20;

/// A process of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// Whether it has ended, and waits only for its parent to take notice.
    pub(super) is_zombie: bool,
    /// When it started. Tells it from a later process of the same number.
    started: u64,
}

impl Process {
    /// All processes of the system.
    ///
    /// # Errors
    /// If there is no descriptor to read them with, or no proc(5).
    pub(super) fn all() -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.parse().ok()) {
                all.extend(Self::read(id)?);
            }
        }
        Ok(all)
    }

    /// The process `id`, if it is there.
    ///
    /// # Errors
    /// If there is no descriptor to read it with.
    pub(super) fn read(id: i32) -> io::Result<Option<Self>> {
        // More than any process needs: 52 numbers, and a name of 64 bytes at most.
        let mut stat = [0; 2048];
        match File::open(format!("/proc/{id}/stat")).and_then(|mut file| file.read(&mut stat)) {
            Ok(length) => Ok(Self::parse(id, &stat[..length])),
            Err(error) if is_out_of_descriptors(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// One that runs.
    #[cfg(test)]
    pub(super) fn for_test(id: i32, parent: i32, session: i32) -> Self {
        Self { id, parent, group: session, session, is_zombie: false, started: 1 }
    }

    /// The process `id`, of which proc(5) says `stat`.
    fn parse(id: i32, stat: &[u8]) -> Option<Self> {
        // The fields come after the name, which is in parentheses and may have any bytes.
        let name_end = stat.windows(2).rposition(|pair| pair == b") ")?;
        let fields = str::from_utf8(&stat[name_end + 2..]).ok()?;
        let fields: Vec<&str> = fields.split(' ').take(20).collect();
        let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
        // If only its main thread has ended, a process is shown as a zombie too.
        let is_zombie = matches!(*fields.first()?, "Z" | "X") && number(17)? <= 1;
        Some(Self {
            id,
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            is_zombie,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// Whether `other` is the same process, rather than a later one of the same number.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.id, self.started) == (other.id, other.started)
    }

    /// Sends it `signal`, unless it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        // Each step fails only if it is gone, or if the caller has to try again.
        let Some(id) = Pid::from_raw(self.id) else { return };
        let Ok(handle) = pidfd_open(id, PidfdFlags::empty()) else { return };
        // The number may have been given to another process before the handle was opened.
        if Self::read(self.id).ok().flatten().is_some_and(|now| now.is(self)) {
            let _ = pidfd_send_signal(handle, signal);
        }
    }

    /// The value of `variable` in the environment that it was started with, if it can be read.
    pub(super) fn variable(&self, variable: &str) -> Option<String> {
        let mut environment = Vec::new();
        let file = File::open(format!("/proc/{}/environ", self.id)).ok()?;
        file.take(MAX_ENVIRONMENT).read_to_end(&mut environment).ok()?;
        let value = environment
            .split(|&byte| byte == 0)
            .find_map(|entry| entry.strip_prefix(variable.as_bytes())?.strip_prefix(b"="))?;
        String::from_utf8(value.to_vec()).ok()
    }
}

/// Whether `error` says that this process, or the system, has no descriptor left.
pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(name: &[u8], rest: &str) -> Option<Process> {
        Process::parse(7, &[b"7 (", name, b") ", rest.as_bytes()].concat())
    }

    const RUNNING: &str = "S 1 2 3 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0";

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let want =
            Process { id: 7, parent: 1, group: 2, session: 3, is_zombie: false, started: 99 };
        for name in [b"sh".as_slice(), b") Z 9 9 9", b"\xff\xfe", b"a b", b""] {
            assert_eq!(stat(name, RUNNING), Some(want), "{name:?}");
        }
        assert_eq!(stat(b"sh", "S 1"), None);
        assert_eq!(Process::parse(7, b""), None);
    }

    #[test]
    fn a_process_whose_main_thread_has_ended_runs() {
        let ended = RUNNING.replacen('S', "Z", 1);
        assert!(stat(b"sh", &ended).unwrap().is_zombie);
        let threads = ended.replace("20 0 1 0", "20 0 2 0");
        assert!(!stat(b"sh", &threads).unwrap().is_zombie);
    }

    #[test]
    fn this_process_is_found_with_its_environment() {
        let id = i32::try_from(std::process::id()).unwrap();
        let this = Process::read(id).unwrap().unwrap();
        assert!(Process::all().unwrap().iter().any(|process| process.is(&this)));
        assert_eq!(this.variable("PATH"), std::env::var("PATH").ok());
        assert_eq!(this.variable("PAT"), None);
    }
}

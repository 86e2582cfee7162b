//! Processes as `/proc/PID/stat` shows them, see proc(5).
//!
//! This is the only reader of that file. A scan of thousands of processes has to be cheap, so a
//! process takes one `open`, one `read` and no memory of its own.

use std::{
    fs::{self, File},
    io::{self, Read},
    str::FromStr,
    time::Duration,
};

use crate::descriptors::is_out_of_descriptors;

/// The system counts processor time in ticks of 1/100 s (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A process of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcStat {
    /// Its number.
    pub id: i32,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// The state of its main thread, as in `S` for sleeping.
    state: u8,
    threads: i32,
    /// Processor time in user and kernel mode, in ticks.
    ticks: u64,
    /// When it started. Distinguishes it from a later process with the same number.
    start_time: u64,
}

impl ProcStat {
    /// All processes of the system.
    ///
    /// # Errors
    /// If no descriptor is left to read them with, or proc(5) is not mounted.
    pub fn all() -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.parse().ok()) {
                all.extend(Self::read(id)?);
            }
        }
        Ok(all)
    }

    /// The process `id`, if it exists.
    ///
    /// # Errors
    /// If no descriptor is left to read it with.
    pub fn read(id: i32) -> io::Result<Option<Self>> {
        // Longer than any: 52 numbers, and a name of at most 64 bytes.
        let mut stat = [0; 2048];
        match File::open(format!("/proc/{id}/stat")).and_then(|mut file| file.read(&mut stat)) {
            Ok(length) => Ok(Self::parse(id, &stat[..length])),
            Err(error) if is_out_of_descriptors(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Whether it has exited and only waits to be reaped by its parent.
    pub fn has_exited(&self) -> bool {
        // While other threads run, the state is that of the main thread, which may have exited.
        matches!(self.state, b'Z' | b'X') && self.threads <= 1
    }

    /// Whether it was stopped by a signal.
    pub fn is_stopped(&self) -> bool {
        self.state == b'T'
    }

    /// The processor time of all its threads, to a hundredth of a second.
    pub fn processor_time(&self) -> Duration {
        TICK * u32::try_from(self.ticks).unwrap_or(u32::MAX)
    }

    /// Whether `other` is the same process, rather than another with the same number.
    pub fn is_same_process(&self, other: &Self) -> bool {
        (self.id, self.start_time) == (other.id, other.start_time)
    }

    /// The process `id` from the contents of its file `stat`.
    fn parse(id: i32, stat: &[u8]) -> Option<Self> {
        // The fields come after the name, which is in parentheses and can contain any bytes.
        let name_end = stat.windows(2).rposition(|pair| pair == b") ")?;
        let fields = str::from_utf8(&stat[name_end + 2..]).ok()?;
        let fields = &mut fields.split(' ');
        let state = *fields.next()?.as_bytes().first()?;
        let (parent, group, session) = (next(fields, 0)?, next(fields, 0)?, next(fields, 0)?);
        // Skipped: the terminal, the group in its foreground, flags and page faults.
        let ticks = u64::saturating_add(next(fields, 7)?, next(fields, 0)?);
        // Skipped: the times of children, the priority and the nice value.
        let threads = next(fields, 4)?;
        // Skipped: an obsolete timer.
        let start_time = next(fields, 1)?;
        Some(Self { id, parent, group, session, state, threads, ticks, start_time })
    }

    /// A process that runs.
    #[cfg(test)]
    pub(crate) fn running(id: i32, parent: i32, session: i32) -> Self {
        let group = session;
        Self { id, parent, group, session, state: b'S', threads: 1, ticks: 0, start_time: 1 }
    }

    /// The same process after it has exited.
    #[cfg(test)]
    pub(crate) fn exited(self) -> Self {
        Self { state: b'Z', ..self }
    }
}

/// The number after `skipped` other fields.
fn next<'a, T: FromStr>(fields: &mut impl Iterator<Item = &'a str>, skipped: usize) -> Option<T> {
    fields.nth(skipped)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &[u8], rest: &str) -> Option<ProcStat> {
        ProcStat::parse(7, &[b"7 (", name, b") ", rest.as_bytes()].concat())
    }

    const SLEEPING: &str = "S 1 2 3 0 -1 4194560 0 0 0 0 30 4 0 0 20 0 1 0 99 0 0";

    #[test]
    fn parses_processes_with_any_name() {
        let want = ProcStat { group: 2, ticks: 34, start_time: 99, ..ProcStat::running(7, 1, 3) };
        for name in [b"sh".as_slice(), b") Z 9 9 9", b"\xff\xfe", b"a b", b""] {
            assert_eq!(parse(name, SLEEPING), Some(want), "{name:?}");
        }
        assert_eq!(want.processor_time(), Duration::from_millis(340));
        // What the system shows of a process that is just being reaped.
        assert_eq!(parse(b"sh", &SLEEPING.replace("2 3 0", "-1 -1 0")).unwrap().session, -1);
        assert_eq!(parse(b"sh", "S 1"), None);
        assert_eq!(ProcStat::parse(7, b""), None);
    }

    #[test]
    fn process_has_exited_when_its_last_thread_has() {
        let exited = SLEEPING.replacen('S', "Z", 1);
        assert!(parse(b"sh", &exited).unwrap().has_exited());
        let threads = exited.replace("20 0 1 0", "20 0 2 0");
        assert!(!parse(b"sh", &threads).unwrap().has_exited());
        let stopped = SLEEPING.replacen('S', "T", 1);
        assert!(parse(b"sh", &stopped).unwrap().is_stopped());
    }

    #[test]
    fn finds_this_process() {
        let id = i32::try_from(std::process::id()).unwrap();
        let this = ProcStat::read(id).unwrap().unwrap();
        assert!(!this.has_exited() && !this.is_stopped());
        assert!(ProcStat::all().unwrap().iter().any(|process| process.is_same_process(&this)));
        assert_eq!(ProcStat::read(i32::MAX).unwrap(), None);
    }
}

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use tribune_server::ProcStat;

use crate::DEADLINE;

/// Calls `check` repeatedly until it returns a value, and returns that. `what` describes the condition.
///
/// # Panics
/// If it returns none before the deadline.
pub fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "not before the deadline: {what}");
        #[expect(
            clippy::disallowed_methods,
            reason = "the system does not report what is waited for here"
        )]
        thread::sleep(Duration::from_millis(5));
    }
}

/// The ids of the processes whose command lines contain `mark`.
pub fn processes_with(mark: &str) -> Vec<u32> {
    let has_mark = |id: &u32| {
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(mark)
    };
    all().iter().map(id_of).filter(has_mark).collect()
}

/// Whether there is a process `id` that has not exited.
pub fn exists(id: u32) -> bool {
    stat(id).is_some_and(|process| !process.has_exited())
}

/// Whether the process `id` was stopped by a signal.
pub fn is_stopped(id: u32) -> bool {
    stat(id).is_some_and(|process| process.is_stopped())
}

/// The processor time of the process `id`, if it exists.
pub fn processor_time(id: u32) -> Option<Duration> {
    stat(id).map(|process| process.processor_time())
}

/// The parent of the process `id`, if it exists.
pub fn parent(id: u32) -> Option<u32> {
    u32::try_from(stat(id)?.parent).ok()
}

/// The children of the process `id`, including those that have exited and were not reaped.
pub fn children(id: u32) -> Vec<u32> {
    all().iter().filter(|process| u32::try_from(process.parent) == Ok(id)).map(id_of).collect()
}

fn all() -> Vec<ProcStat> {
    ProcStat::all().expect("the system lists its processes")
}

fn stat(id: u32) -> Option<ProcStat> {
    ProcStat::read(i32::try_from(id).ok()?).expect("there are descriptors")
}

fn id_of(process: &ProcStat) -> u32 {
    u32::try_from(process.id).expect("process ids are positive")
}

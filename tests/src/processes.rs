use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::DEADLINE;

/// Waits until `check` gives something.
///
/// # Panics
/// If it does not in time. `what` says what was waited for.
pub fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        #[expect(
            clippy::disallowed_methods,
            reason = "the system has no way to be told of what is waited for here"
        )]
        thread::sleep(Duration::from_millis(5));
    }
}

/// The ids of the processes in whose command lines `mark` stands.
///
/// # Panics
/// If the system does not list its processes.
pub fn processes_with(mark: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("the system lists its processes").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| {
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(mark)
    })
    .collect()
}

/// Whether there is a process `id` that has not ended.
pub fn exists(id: u32) -> bool {
    state(id).is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Whether the process `id` was stopped by a signal.
pub fn is_stopped(id: u32) -> bool {
    state(id) == Some('T')
}

/// The parent of the process `id`.
pub fn parent(id: u32) -> Option<u32> {
    stat_fields(id)?.get(1)?.parse().ok()
}

/// The children of the process `id`, those that have ended and were not reaped among them.
///
/// # Panics
/// If the system does not list its processes.
pub fn children(id: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("the system lists its processes").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|&child| parent(child) == Some(id)).collect()
}

/// What proc(5) says of a process after its name.
fn stat_fields(id: u32) -> Option<Vec<String>> {
    let stat = fs::read(format!("/proc/{id}/stat")).ok()?;
    // The name is in parentheses and may have any bytes.
    let stat = String::from_utf8_lossy(&stat);
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

/// The state of a process as proc(5) shows it.
fn state(id: u32) -> Option<char> {
    stat_fields(id)?.first()?.chars().next()
}

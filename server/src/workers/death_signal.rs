#![allow(
    unsafe_code,
    reason = "the standard library has no safe way to run a system call in a child before its program"
)]

use rustix::{
    io::Errno,
    process::{Signal, getpid, getppid, set_parent_process_death_signal},
};
use tokio::process::Command;

/// Lets the child that `command` forks be killed as soon as the thread that forks it ends, even if
/// it ends by `SIGKILL`.
///
/// The thread has to live as long as the child is to.
pub(super) fn kill_with_parent(command: &mut Command) {
    let parent = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above took effect; then nobody would send it.
        if getppid() == Some(parent) { Ok(()) } else { Err(Errno::SRCH.into()) }
    };
    // SAFETY: between fork and exec only what is async-signal-safe may be called. The closure makes
    // two system calls through rustix, which takes no lock and no memory for them, and neither
    // does an error made from a number.
    unsafe {
        command.pre_exec(before_exec);
    }
}

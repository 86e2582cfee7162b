#![allow(
    unsafe_code,
    reason = "the standard library has no safe way to run a system call in a child before its program"
)]

use rustix::{
    io::Errno,
    process::{
        Resource, Rlimit, Signal, getpid, getppid, set_parent_process_death_signal, setrlimit,
        setsid,
    },
};
use tokio::process::Command;

/// Prepares the child that `command` will fork, before it becomes its program:
///
/// - It is killed as soon as the thread that forks it ends, even if that ends by `SIGKILL`. The
///   thread has to live as long as the child is to.
/// - It leads a session of its own, so that whatever it forks can be found, and nothing that is
///   typed reaches it.
/// - It may have as many files open as `files` says, which is what the server was given, rather
///   than what it has made of that: some programs take the number at its word.
pub(super) fn prepare_child(command: &mut Command, files: Rlimit) {
    let parent = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above took effect; then nobody would send it.
        if getppid() != Some(parent) {
            return Err(Errno::SRCH.into());
        }
        setsid()?;
        setrlimit(Resource::Nofile, files)?;
        Ok(())
    };
    // SAFETY: between fork and exec only what is async-signal-safe may be called. The closure makes
    // four system calls through rustix, which takes no lock and no memory for them, and neither
    // do a copy of two numbers and an error made from a number.
    unsafe {
        command.pre_exec(before_exec);
    }
}

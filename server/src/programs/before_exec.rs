#![allow(
    unsafe_code,
    reason = "the standard library has no safe way to run a system call in a child before its program"
)]

use std::{
    fs::{self, File},
    io,
    os::fd::{BorrowedFd, RawFd},
};

use rustix::{
    io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd, write},
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
/// - It is in the control group of `entrance`, if there is one and the system lets it.
/// - It may have as many files open as `files` says, which is what the server was given, rather
///   than what it has made of that: some programs take the number at its word.
pub(super) fn prepare_child(command: &mut Command, files: Rlimit, entrance: Option<File>) {
    let parent = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above took effect; then nobody would send it.
        if getppid() != Some(parent) {
            return Err(Errno::SRCH.into());
        }
        if let Some(entrance) = &entrance {
            // The server looks whether it has worked, and does without if not.
            let _ = write(entrance, b"0");
        }
        setsid()?;
        setrlimit(Resource::Nofile, files)?;
        Ok(())
    };
    // SAFETY: between fork and exec only what is async-signal-safe may be called. The closure makes
    // a few system calls through rustix, which takes no lock and no memory for them, and neither
    // do a copy of two numbers and an error made from a number.
    unsafe {
        command.pre_exec(before_exec);
    }
}

/// Prepares the guard that `command` will fork: it leads a session of its own, so that what a
/// terminal sends to the server does not reach it.
pub(super) fn prepare_guard(command: &mut Command) {
    // SAFETY: as above; this is one system call.
    unsafe {
        command.pre_exec(|| Ok(setsid().map(drop)?));
    }
}

/// Lets no program inherit what this process has inherited itself, but for its standard streams.
/// What it opens from now on is never inherited anyway.
///
/// # Errors
/// If it cannot be learned what is open.
pub(super) fn close_inherited_on_exec() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        let Some(number) = number.filter(|&number| number > 2) else { continue };
        // SAFETY: it is borrowed for two system calls only, both of which fail if it has been closed
        // since the folder was read.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = fcntl_getfd(descriptor) {
            fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC)?;
        }
    }
    Ok(())
}

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

/// Prepares the program that `command` will fork:
///
/// - It is killed when the thread that forked it ends, even by `SIGKILL`. That thread must live as
///   long as the program.
/// - It leads a session of its own, so that all that it forks can be found, and a terminal sends it
///   no signals.
/// - It joins the control group of `cgroup_procs`, if the system allows that.
/// - It gets `open_files` as the limit of open files: the one that the server was started with
///   rather than the raised one, as some programs act on each descriptor up to the limit.
pub(super) fn prepare_program(
    command: &mut Command,
    open_files: Rlimit,
    cgroup_procs: Option<File>,
) {
    let parent = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // If the parent has died before the call above, the signal is never sent.
        if getppid() != Some(parent) {
            return Err(Errno::SRCH.into());
        }
        if let Some(procs) = &cgroup_procs {
            // The server checks whether this has worked.
            let _ = write(procs, b"0");
        }
        setsid()?;
        setrlimit(Resource::Nofile, open_files)?;
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe functions may be called. The closure makes
    // a few system calls through rustix, which neither locks nor allocates. Copying two numbers and
    // making an error from a number do not either.
    unsafe {
        command.pre_exec(before_exec);
    }
}

/// Lets the process that `command` will fork lead a session of its own, so that the terminal of the
/// server sends it no signals.
pub(super) fn lead_session(command: &mut Command) {
    // SAFETY: as above; this is one system call.
    unsafe {
        command.pre_exec(|| Ok(setsid().map(drop)?));
    }
}

/// Keeps programs from inheriting descriptors that this process has inherited itself, except its
/// standard streams. Descriptors that it opens are never inherited.
///
/// # Errors
/// If the open descriptors cannot be listed.
pub(super) fn close_inherited_on_exec() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let number = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok());
        let Some(number) = number.filter(|&number| number > 2) else { continue };
        // SAFETY: it is borrowed only for two system calls, which fail if it has been closed since the
        // folder was read.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        if let Ok(flags) = fcntl_getfd(descriptor) {
            fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC)?;
        }
    }
    Ok(())
}

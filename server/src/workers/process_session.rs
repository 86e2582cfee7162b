use std::{fs, io, time::Duration};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process_group, pidfd_open,
    pidfd_send_signal, waitpid,
};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout, timeout_at},
};

/// How often it is looked whether a session is empty, at first; the pause doubles each time. The
/// system has no way to be told.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const SLOWEST_LOOK: Duration = Duration::from_millis(100);

/// How long a killed session may take to vanish. A process that waits for a device within the
/// kernel takes longer, and nobody here can do anything about that.
const VANISH: Duration = Duration::from_secs(5);

/// A session: a program and all it has forked, whatever process groups they are in, but those that
/// have called setsid(2) themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ProcessSession(Pid);

/// A process of a session.
struct Member {
    process: Pid,
    parent: i32,
    group: i32,
    is_zombie: bool,
}

impl ProcessSession {
    /// The session that the process `id` leads.
    pub(super) fn led_by(id: u32) -> Option<Self> {
        i32::try_from(id).ok().and_then(Self::numbered)
    }

    /// The session of this number; `None` for one that no program of ours can have.
    pub(super) fn numbered(number: i32) -> Option<Self> {
        Pid::from_raw(number).filter(|_| number > 1).map(Self)
    }

    /// The number of the session.
    pub(super) fn number(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Ends what its leader has left behind: asks it, and from `deadline` on makes it. The leader
    /// must have been reaped. Returns whether there was anybody.
    pub(super) async fn end_rest(self, deadline: Instant) -> bool {
        if self.is_empty().await {
            return false;
        }
        self.signal(Signal::TERM).await;
        if timeout_at(deadline, self.emptied()).await.is_err() {
            self.signal(Signal::KILL).await;
            if timeout(VANISH, self.emptied()).await.is_err() {
                tracing::error!(
                    session = self.number(),
                    "processes of a player program cannot be killed"
                );
            }
        }
        true
    }

    /// Sends `signal` to all of it.
    pub(super) async fn signal(self, signal: Signal) {
        // Reading about all processes of the system may take a while.
        let _ = spawn_blocking(move || self.signal_now(signal)).await;
    }

    /// Sends `signal` to all of it, on this thread.
    pub(super) fn signal_now(self, signal: Signal) {
        // Each fails only if there is nobody left, which is what is wanted.
        let _ = kill_process_group(self.0, signal);
        for member in self.members().filter(|member| member.group != self.number()) {
            let _ = self.signal_one(member.process, signal);
        }
    }

    /// Sends `signal` to `process` if it is still one of the session, and not another of that number.
    fn signal_one(self, process: Pid, signal: Signal) -> io::Result<()> {
        let handle = pidfd_open(process, PidfdFlags::empty())?;
        if self.member(process).is_some() {
            pidfd_send_signal(handle, signal)?;
        }
        Ok(())
    }

    async fn emptied(self) {
        let mut pause = FIRST_LOOK;
        while !self.is_empty().await {
            sleep(pause).await;
            pause = (pause * 2).min(SLOWEST_LOOK);
        }
    }

    /// Whether nobody runs in it. Zombies do not: they wait only for a parent to take notice.
    async fn is_empty(self) -> bool {
        let look = spawn_blocking(move || {
            let mut is_empty = true;
            for member in self.members() {
                is_empty &= member.is_zombie;
                // As the first process of a container the server inherits orphans, and nobody else
                // would take notice of them.
                if member.is_zombie && member.parent == getpid().as_raw_nonzero().get() {
                    let _ = waitpid(Some(member.process), WaitOptions::NOHANG);
                }
            }
            is_empty
        });
        look.await.unwrap_or(true)
    }

    fn members(self) -> impl Iterator<Item = Member> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter_map(Pid::from_raw).filter_map(move |process| self.member(process))
    }

    /// What proc(5) says of `process`, if it is one of the session.
    fn member(self, process: Pid) -> Option<Member> {
        let number = process.as_raw_nonzero();
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        // These come after the name, which is in parentheses and may have any character.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let state = fields.next()?;
        let mut next = || fields.next()?.parse::<i32>().ok();
        let (parent, group, session) = (next()?, next()?, next()?);
        let is_zombie = matches!(state, "Z" | "X");
        (session == self.number()).then_some(Member { process, parent, group, is_zombie })
    }
}

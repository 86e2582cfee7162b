use std::time::Duration;

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid},
};
use tokio::time::{Instant, interval, timeout, timeout_at};

/// How often it is looked whether a group is empty. The system has no way to be told.
const LOOK: Duration = Duration::from_millis(10);

/// How long a killed group may take to vanish. A process that waits for a device within the kernel
/// takes longer, or one whose parent does not reap it, and nobody here can do anything about that.
const VANISH: Duration = Duration::from_secs(5);

/// A process group: a program and all it has forked that did not go its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessGroup(Pid);

impl ProcessGroup {
    /// The group that the process `id` leads.
    pub(super) fn led_by(id: u32) -> Option<Self> {
        i32::try_from(id).ok().and_then(Pid::from_raw).map(Self)
    }

    /// The number of the group.
    pub(super) fn number(self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Ends what its leader has left behind: asks it, and from `deadline` on makes it. The leader
    /// must have been reaped. Returns whether there was anybody.
    pub(super) async fn end_rest(self, deadline: Instant) -> bool {
        if self.is_empty() {
            return false;
        }
        self.signal(Signal::TERM);
        if timeout_at(deadline, self.emptied()).await.is_err() {
            self.signal(Signal::KILL);
            if timeout(VANISH, self.emptied()).await.is_err() {
                tracing::error!(
                    group = self.number(),
                    "processes of a player program cannot be killed"
                );
            }
        }
        true
    }

    /// Sends `signal` to all of it.
    pub(super) fn signal(self, signal: Signal) {
        // It fails only if there is nobody left, which is what is wanted.
        let _ = kill_process_group(self.0, signal);
    }

    async fn emptied(self) {
        let mut look = interval(LOOK);
        while !self.is_empty() {
            look.tick().await;
        }
    }

    /// Whether there is nobody in it.
    fn is_empty(self) -> bool {
        // As the first process of a container the server inherits orphans, who count until somebody
        // reaps them, and nobody else would.
        while let Ok(Some(_)) = waitpgid(self.0, WaitOptions::NOHANG) {}
        test_kill_process_group(self.0) == Err(Errno::SRCH)
    }
}

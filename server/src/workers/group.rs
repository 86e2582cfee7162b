use std::time::Duration;

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid},
};
use tokio::time::{Instant, interval, timeout};

/// How often it is looked whether a group is empty. The system has no way to be told.
const LOOK: Duration = Duration::from_millis(10);

/// How long a killed group may take to vanish. Only a process that waits for a device within the
/// kernel takes longer, and nobody can do anything about it.
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

    /// Asks all of it to end, and after `grace` ends what is left. Returns when it is empty.
    ///
    /// Somebody else has to reap the leader meanwhile: until then it is not empty.
    pub(super) async fn end(self, grace: Duration) {
        self.signal(Signal::TERM);
        if timeout(grace, self.emptied()).await.is_ok() {
            return;
        }
        self.signal(Signal::KILL);
        if timeout(VANISH, self.emptied()).await.is_err() {
            tracing::error!(
                group = self.number(),
                "processes of a player program cannot be killed"
            );
        }
    }

    /// Whether there is nobody in it. The leader counts until it is reaped.
    pub(super) fn is_empty(self) -> bool {
        test_kill_process_group(self.0) == Err(Errno::SRCH)
    }

    /// Reaps what its leader has left to us: as the first process of a container the server
    /// inherits orphans, which nobody else would reap. The leader must have been reaped before.
    pub(super) fn reap_orphans(self) {
        while let Ok(Some(_)) = waitpgid(self.0, WaitOptions::NOHANG) {}
    }

    /// Sends `signal` to all of it.
    pub(super) fn signal(self, signal: Signal) {
        // It fails only if there is nobody left, which is what is wanted.
        let _ = kill_process_group(self.0, signal);
    }

    async fn emptied(self) {
        let start = Instant::now();
        let mut look = interval(LOOK);
        while !self.is_empty() {
            look.tick().await;
        }
        tracing::trace!(group = self.number(), after = ?start.elapsed(), "a process group is empty");
    }
}

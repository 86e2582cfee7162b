use std::{io, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    cgroup::ProgramCgroup,
    process::{KILL_TIMEOUT, send_signal},
    processes::Processes,
};
use crate::proc_stat::ProcStat;

/// The interval at which processes are looked for, as the system does not report when a session
/// becomes empty. It doubles each time up to the maximum.
const FIRST_POLL: Duration = Duration::from_millis(5);
const MAX_POLL: Duration = Duration::from_millis(100);

/// A program and all that it has forked, in whatever process groups and sessions.
#[derive(Debug)]
pub(super) struct ProcessTree {
    /// The program, which is the leader of a session and of a process group.
    leader: Pid,
    processes: Processes,
    /// The control group of all these processes, if there is one.
    cgroup: Option<ProgramCgroup>,
}

impl ProcessTree {
    /// The tree of the program with this process id.
    ///
    /// # Errors
    /// If `id` is not a process id.
    pub(super) fn led_by(
        id: u32,
        processes: Processes,
        cgroup: Option<ProgramCgroup>,
    ) -> io::Result<Self> {
        let leader = i32::try_from(id).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("the program has no process id"))?;
        Ok(Self { leader, processes, cgroup })
    }

    /// The number of the session that the program leads.
    pub(super) fn session(&self) -> i32 {
        self.leader.as_raw_nonzero().get()
    }

    /// Sends `SIGTERM` once to each process.
    pub(super) async fn terminate(&self) {
        let running = self.running().await;
        self.signal_group(&running, Signal::TERM);
        for process in running.iter().filter(|process| process.group != self.session()) {
            send_signal(process, Signal::TERM);
        }
    }

    /// Sends `SIGKILL` until no process is left. The program must be reaped elsewhere.
    pub(super) async fn kill(&self) {
        let kill = async {
            let mut interval = FIRST_POLL;
            loop {
                let running = self.running().await;
                if running.is_empty() {
                    return;
                }
                if let Some(cgroup) = &self.cgroup {
                    cgroup.kill();
                }
                self.signal_group(&running, Signal::KILL);
                // Those of the group too: they may just have left it, to come back later.
                for process in &running {
                    send_signal(process, Signal::KILL);
                }
                sleep(interval).await;
                interval = (interval * 2).min(MAX_POLL);
            }
        };
        if timeout(KILL_TIMEOUT, kill).await.is_err() {
            tracing::error!(session = self.session(), "processes of a program cannot be killed");
        }
    }

    /// Ends the processes that are left after the program has exited and has been reaped: they get
    /// `SIGTERM`, and `SIGKILL` at `deadline`. Returns whether there were any.
    pub(super) async fn end_orphans(&self, deadline: Instant) -> bool {
        if self.running().await.is_empty() {
            return false;
        }
        self.terminate().await;
        if timeout_at(deadline, self.wait_until_empty()).await.is_err() {
            self.kill().await;
        }
        true
    }

    /// Forgets the session and removes the control group. No process may be left.
    pub(super) fn release(self) {
        self.processes.remove_program(self.session());
        if let Some(cgroup) = self.cgroup {
            cgroup.remove();
        }
    }

    async fn wait_until_empty(&self) {
        let mut interval = FIRST_POLL;
        while !self.running().await.is_empty() {
            sleep(interval).await;
            interval = (interval * 2).min(MAX_POLL);
        }
    }

    /// Sends `signal` to the process group of the program if one of `running` is in it. Otherwise
    /// the number of the group may have been reused.
    fn signal_group(&self, running: &[ProcStat], signal: Signal) {
        if running.iter().any(|process| process.group == self.session()) {
            // It fails only if the group has just become empty.
            let _ = kill_process_group(self.leader, signal);
        }
    }

    /// The processes that have not exited.
    async fn running(&self) -> Vec<ProcStat> {
        if let Some(Ok(running)) = self.cgroup.as_ref().map(ProgramCgroup::running)
            && !running.is_empty()
        {
            return running;
        }
        // A fork stays in its control group, but a program that is allowed to can move to another
        // one. It is still in its session then, or descends from it.
        self.processes.table().await.of_session(self.session()).to_vec()
    }
}

use std::{io, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    cgroup::ProgramCgroup,
    process::Process,
    processes::{Processes, VANISH},
};

/// How often it is looked whether anything runs, at first; the pause doubles each time. The system
/// has no way to be told.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const SLOWEST_LOOK: Duration = Duration::from_millis(100);

/// A program and all that it has forked, whatever process groups and sessions they are in.
#[derive(Debug)]
pub(super) struct ProcessSession {
    /// The number of the session that the program leads.
    leader: Pid,
    processes: Processes,
    /// Where all of it is, if the system has such a place.
    cgroup: Option<ProgramCgroup>,
}

impl ProcessSession {
    /// What the program `id` is the leader of.
    ///
    /// # Errors
    /// If `id` is no number of a process.
    pub(super) fn led_by(
        id: u32,
        processes: Processes,
        cgroup: Option<ProgramCgroup>,
    ) -> io::Result<Self> {
        let leader = i32::try_from(id).ok().and_then(Pid::from_raw);
        let leader = leader.ok_or_else(|| io::Error::other("the program has no process id"))?;
        Ok(Self { leader, processes, cgroup })
    }

    /// The number of the session.
    pub(super) fn number(&self) -> i32 {
        self.leader.as_raw_nonzero().get()
    }

    /// Asks all of it to end.
    pub(super) async fn ask(&self) {
        let running = self.running().await;
        self.signal_group(&running, Signal::TERM);
        for process in running.iter().filter(|process| process.group != self.number()) {
            process.signal(Signal::TERM);
        }
    }

    /// Kills all of it, until nothing runs.
    pub(super) async fn kill(&self) {
        let kill = async {
            let mut pause = FIRST_LOOK;
            loop {
                let running = self.running().await;
                if running.is_empty() {
                    return;
                }
                if let Some(cgroup) = &self.cgroup {
                    cgroup.kill();
                }
                self.signal_group(&running, Signal::KILL);
                // Those of the group too: they may have left it in between, to come back.
                for process in &running {
                    process.signal(Signal::KILL);
                }
                sleep(pause).await;
                pause = (pause * 2).min(SLOWEST_LOOK);
            }
        };
        if timeout(VANISH, kill).await.is_err() {
            let session = self.number();
            tracing::error!(session, "processes of a player program cannot be killed");
        }
    }

    /// Ends what its leader has left behind: asks it, and from `deadline` on kills it. The leader
    /// must have been reaped. Returns whether there was anything.
    pub(super) async fn end_rest(&self, deadline: Instant) -> bool {
        if self.running().await.is_empty() {
            return false;
        }
        self.ask().await;
        if timeout_at(deadline, self.emptied()).await.is_err() {
            self.kill().await;
        }
        true
    }

    /// Gives it up. Nothing of it must run.
    pub(super) fn forget(self) {
        self.processes.forget(self.number());
        if let Some(cgroup) = self.cgroup {
            cgroup.remove();
        }
    }

    async fn emptied(&self) {
        let mut pause = FIRST_LOOK;
        while !self.running().await.is_empty() {
            sleep(pause).await;
            pause = (pause * 2).min(SLOWEST_LOOK);
        }
    }

    /// Sends `signal` to the group of the program, if one of `running` is in it: otherwise its
    /// number may be that of another by now.
    fn signal_group(&self, running: &[Process], signal: Signal) {
        if running.iter().any(|process| process.group == self.number()) {
            // It fails only if nothing is left of the group.
            let _ = kill_process_group(self.leader, signal);
        }
    }

    /// What runs of it.
    async fn running(&self) -> Vec<Process> {
        if let Some(Ok(running)) = self.cgroup.as_ref().map(ProgramCgroup::running)
            && !running.is_empty()
        {
            return running;
        }
        // Forking does not leave a control group, but where the program may make some it may also move
        // to another. Then it is still in its session, or descends from it.
        self.processes.table().await.of(self.number()).to_vec()
    }
}

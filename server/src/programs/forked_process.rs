use std::{convert::Infallible, io, process::ExitStatus};

use tokio::{
    process::Child,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{Exit, WorkerId};

use super::{ProgramLimits, exit_status::exit_of, process_tree::ProcessTree};

/// A program that was forked, and all that it forks.
#[derive(Debug)]
pub(super) struct ForkedProcess {
    pub(super) id: WorkerId,
    pub(super) child: Child,
    pub(super) process_tree: ProcessTree,
}

impl ForkedProcess {
    /// Waits until the program and all that it has forked have exited, by themselves or because of
    /// `shutdown`. `limits` bounds the time that they get for it.
    ///
    /// `meanwhile` runs until then, and `close_input` is the first request to terminate: end-of-file on
    /// its standard input.
    pub(super) async fn wait(
        &mut self,
        shutdown: &CancellationToken,
        limits: ProgramLimits,
        meanwhile: impl Future<Output = Infallible>,
        close_input: impl Future<Output = ()>,
    ) -> Exit {
        let exited_by_itself = tokio::select! {
            status = self.child.wait() => Some(status),
            never = meanwhile => match never {},
            () = shutdown.cancelled() => None,
        };
        close_input.await;
        let input_deadline = Instant::now() + limits.input_grace;
        let exited_by_itself = match exited_by_itself {
            None => timeout_at(input_deadline, self.child.wait()).await.ok(),
            status => status,
        };
        let deadline = Instant::now() + limits.grace;
        let status = match exited_by_itself {
            Some(status) => status,
            None => self.terminate(deadline).await,
        };
        if self.process_tree.end_orphans(deadline).await {
            tracing::info!(worker = %self.id, "processes that it had forked were terminated");
        }
        exit_of(status)
    }

    /// Terminates the program and all that it has forked, and kills them at `deadline`.
    async fn terminate(&mut self, deadline: Instant) -> io::Result<ExitStatus> {
        self.process_tree.terminate().await;
        if let Ok(status) = timeout_at(deadline, self.child.wait()).await {
            return status;
        }
        self.process_tree.kill().await;
        self.child.wait().await
    }
}

use std::{
    convert::Infallible,
    future::pending,
    io,
    process::ExitStatus,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    process::Child,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tribune_protocol::{Exit, OutputStream, WorkerId};

use super::{ProgramContext, exit_status::exit_of, output::Output, process_tree::ProcessTree};
use crate::{feed::SubscriberHandle, game::Input, limits::Roster, tasks::Tasks};

/// After a program has printed nothing for this long, the operator gets a hint about buffering.
const SILENCE_HINT_AFTER: Duration = Duration::from_secs(3);

/// A program that was started.
#[derive(Debug)]
pub(super) struct RunningProgram {
    id: WorkerId,
    child: Child,
    process_tree: ProcessTree,
    /// The subscription of its standard input.
    subscription: SubscriberHandle,
    has_printed: Arc<AtomicBool>,
}

impl RunningProgram {
    pub(super) fn new(
        id: WorkerId,
        child: Child,
        process_tree: ProcessTree,
        subscription: SubscriberHandle,
    ) -> Self {
        Self { id, child, process_tree, subscription, has_printed: Arc::default() }
    }

    /// Forwards the output of the program until it and all that it has forked have exited, and
    /// terminates them when that is requested. Then reports its exit to the game.
    pub(super) async fn supervise(mut self, context: ProgramContext) {
        let exited = CancellationToken::new();
        // Its players keep their permits until the game has removed them.
        let roster = Roster::new(context.limits.max_players, context.players.clone());
        let roster = Arc::new(Mutex::new(roster));
        let outputs = self.forward_outputs(&context, &exited, &roster);
        let exit = self.wait(&context).await;
        self.process_tree.release();
        exited.cancel();
        outputs.ended().await;
        tracing::info!(worker = %self.id, %exit, "exited");
        context.send(Input::Exited { program: self.id, exit }).await;
        drop(roster);
    }

    /// Starts to forward both output streams.
    fn forward_outputs(
        &mut self,
        context: &ProgramContext,
        exited: &CancellationToken,
        roster: &Arc<Mutex<Roster>>,
    ) -> Tasks {
        let tasks = context.tasks.group();
        let output = |stream, roster| {
            let has_printed = self.has_printed.clone();
            Output::new(self.id, stream, roster, context, self.subscription.clone(), has_printed)
        };
        if let Some(pipe) = self.child.stdout.take() {
            let output = output(OutputStream::Stdout, Some(roster.clone()));
            tasks.spawn("standard output", output.forward(pipe, exited.clone()));
        }
        if let Some(pipe) = self.child.stderr.take() {
            let output = output(OutputStream::Stderr, None);
            tasks.spawn("standard error", output.forward(pipe, exited.clone()));
        }
        tasks
    }

    /// Waits until the program and all that it has forked have exited, by themselves or because of
    /// a shutdown.
    async fn wait(&mut self, context: &ProgramContext) -> Exit {
        let exited_by_itself = tokio::select! {
            status = self.child.wait() => Some(status),
            never = hint_if_silent(self.id, &self.has_printed, context) => match never {},
            () = context.shutdown.cancelled() => None,
        };
        // End-of-file on its standard input is the first request to terminate.
        self.subscription.leave().await;
        let deadline = Instant::now() + context.limits.grace;
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

/// Gives the operator a hint if nothing was printed for [`SILENCE_HINT_AFTER`]. Never returns.
async fn hint_if_silent(
    id: WorkerId,
    has_printed: &AtomicBool,
    context: &ProgramContext,
) -> Infallible {
    sleep(SILENCE_HINT_AFTER).await;
    if !has_printed.load(Ordering::Relaxed) {
        context.messages.say(format_args!(
            "ps#{id} has printed nothing for {} s: is its output buffered? Flush after each line (Python: \
             print(…, flush=True); C: fflush(stdout)), or run it with `stdbuf -oL`",
            SILENCE_HINT_AFTER.as_secs()
        ));
    }
    pending().await
}

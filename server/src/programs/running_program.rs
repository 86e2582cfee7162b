use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tribune_protocol::{OutputStream, WorkerId};

use super::{ProgramContext, forked_process::ForkedProcess, output::Output};
use crate::{feed::SubscriberHandle, game::Input, limits::Roster, tasks::Tasks};

/// After a program has printed nothing for this long, the operator gets a hint about buffering.
const SILENCE_HINT_AFTER: Duration = Duration::from_secs(3);

/// A program that was started.
#[derive(Debug)]
pub(super) struct RunningProgram {
    process: ForkedProcess,
    /// The subscription of its standard input.
    subscription: SubscriberHandle,
    has_printed: Arc<AtomicBool>,
}

impl RunningProgram {
    pub(super) fn new(process: ForkedProcess, subscription: SubscriberHandle) -> Self {
        Self { process, subscription, has_printed: Arc::default() }
    }

    /// Forwards the output of the program until it and all that it has forked have exited, and
    /// terminates them when that is requested. Then reports its exit to the game.
    pub(super) async fn supervise(mut self, context: ProgramContext) {
        let exited = CancellationToken::new();
        // Its players keep their permits until the game has removed them.
        let roster = Roster::new(context.limits.max_players, context.players.clone());
        let roster = Arc::new(Mutex::new(roster));
        let outputs = self.forward_outputs(&context, &exited, &roster);
        let id = self.process.id;
        let hint = hint_if_silent(id, &self.has_printed, &context);
        let close_input = self.subscription.leave();
        let exit = self.process.wait(&context.shutdown, context.limits, hint, close_input).await;
        self.process.process_tree.release();
        exited.cancel();
        outputs.ended().await;
        tracing::info!(worker = %id, %exit, "exited");
        context.send(Input::Exited { program: id, exit }).await;
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
            let input = Some(self.subscription.clone());
            Output::new(self.process.id, stream, roster, context, input, has_printed)
        };
        if let Some(pipe) = self.process.child.stdout.take() {
            let output = output(OutputStream::Stdout, Some(roster.clone()));
            tasks.spawn("standard output", output.forward(pipe, exited.clone()));
        }
        if let Some(pipe) = self.process.child.stderr.take() {
            let output = output(OutputStream::Stderr, None);
            tasks.spawn("standard error", output.forward(pipe, exited.clone()));
        }
        tasks
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

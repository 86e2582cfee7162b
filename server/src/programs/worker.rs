use std::{
    convert::Infallible,
    future::pending,
    io,
    os::unix::process::ExitStatusExt,
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

use super::{
    launcher::{CANNOT_RUN, Launcher},
    output::Output,
    process_session::ProcessSession,
};
use crate::{feed::Subscription, game::Input, limits::Roster, tasks::Tasks};

/// A program that has printed nothing for so long gets a hint about buffered output.
const HINT_AFTER: Duration = Duration::from_secs(3);

/// A program that was started.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: WorkerId,
    pub(super) child: Child,
    pub(super) session: ProcessSession,
    /// Its standard input.
    pub(super) subscription: Subscription,
    /// Whether it has printed anything.
    pub(super) has_printed: Arc<AtomicBool>,
}

impl Worker {
    /// Passes on what the program prints, until it has ended with all it left behind.
    pub(super) async fn look_after(mut self, launcher: Launcher) {
        let ended = CancellationToken::new();
        // Its players keep their places until the game knows that they have left.
        let roster = Roster::new(launcher.care.players, launcher.places.clone());
        let roster = Arc::new(Mutex::new(roster));
        let outputs = self.listen(&launcher, &ended, &roster);
        let exit = self.end(&launcher).await;
        self.session.forget();
        ended.cancel();
        outputs.ended().await;
        tracing::info!(worker = %self.id, %exit, "ended");
        launcher.tell(Input::Exited { program: self.id, exit }).await;
        drop(roster);
    }

    /// Begins to listen to both outputs.
    fn listen(
        &mut self,
        launcher: &Launcher,
        ended: &CancellationToken,
        roster: &Arc<Mutex<Roster>>,
    ) -> Tasks {
        let tasks = launcher.tasks.group();
        let output = |stream, roster| Output {
            worker: self.id,
            stream,
            roster,
            rate: launcher.care.output_rate,
            byte_rate: launcher.care.output_bytes,
            mailbox: launcher.mailbox.clone(),
            subscription: self.subscription.clone(),
            has_printed: self.has_printed.clone(),
            messages: launcher.messages.clone(),
            has_hinted: false,
        };
        if let Some(pipe) = self.child.stdout.take() {
            let output = output(OutputStream::Stdout, Some(roster.clone()));
            tasks.spawn("standard output", output.forward(pipe, ended.clone()));
        }
        if let Some(pipe) = self.child.stderr.take() {
            let output = output(OutputStream::Stderr, None);
            tasks.spawn("standard error", output.forward(pipe, ended.clone()));
        }
        tasks
    }

    /// Waits until the program has ended, by itself or because it is told to, and all of its
    /// session.
    async fn end(&mut self, launcher: &Launcher) -> Exit {
        let own_end = tokio::select! {
            status = self.child.wait() => Some(status),
            never = hint_if_silent(self.id, &self.has_printed, launcher) => match never {},
            () = launcher.end.cancelled() => None,
        };
        // The end of its standard input is the first thing that asks a program to end.
        self.subscription.leave().await;
        let deadline = Instant::now() + launcher.care.grace;
        let status = match own_end {
            Some(status) => status,
            None => self.make_end(deadline).await,
        };
        if self.session.end_rest(deadline).await {
            tracing::info!(worker = %self.id, "it had left processes behind, which have been ended too");
        }
        exit_of(status)
    }

    /// Asks the program and its session to end, and from `deadline` on makes them.
    async fn make_end(&mut self, deadline: Instant) -> io::Result<ExitStatus> {
        self.session.ask().await;
        if let Ok(status) = timeout_at(deadline, self.child.wait()).await {
            return status;
        }
        self.session.kill().await;
        self.child.wait().await
    }
}

/// Gives a hint if nothing was printed for [`HINT_AFTER`]. Never returns.
async fn hint_if_silent(
    worker: WorkerId,
    has_printed: &AtomicBool,
    launcher: &Launcher,
) -> Infallible {
    sleep(HINT_AFTER).await;
    if !has_printed.load(Ordering::Relaxed) {
        launcher.messages.say(format_args!(
            "ps#{worker} has printed nothing for {} s: is its output buffered? Flush after each line (Python: \
             print(…, flush=True); C: fflush(stdout)), or run it by way of `stdbuf -oL`",
            HINT_AFTER.as_secs()
        ));
    }
    pending().await
}

fn exit_of(status: io::Result<ExitStatus>) -> Exit {
    match status {
        Ok(status) => match status.signal() {
            Some(signal) => Exit::Signal { signal },
            None => Exit::Code { code: status.code().unwrap_or_default() },
        },
        Err(error) => {
            tracing::error!(%error, "cannot learn how a program ended");
            Exit::Code { code: CANNOT_RUN }
        }
    }
}
